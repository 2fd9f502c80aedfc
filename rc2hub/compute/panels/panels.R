# What R does for the panels of JupyterLab. Without an open panel a cell costs a few function calls. site_profile.R runs this
# file in each kernel. Each panel's file has an environment of its own, which sees this one. ASCII only.

targets <- list() # name of a comm's target to what is done when the browser opens one
after_cell <- list() # functions
functions <- list() # that take the place of IRkernel's, by name
on_plot <- list() # functions of each plot that R has recorded, and the request of its cell
on_value <- list() # functions of each value that a cell would show; the value is not shown if one returns TRUE

# IRkernel calls evaluate() for each cell, and before that once for the text "stop()". It stores its comm manager when it has
# defined its functions.
install <- function() {
  manager <- NULL
  imports <- parent.env(asNamespace("IRkernel"))
  evaluate <- imports$evaluate
  unlockBinding("evaluate", imports)
  imports$evaluate <- function(input, ..., output_handler) {
    if (!identical(input, "stop()")) {
      request <- parent.frame()$request # IRkernel's execute(); JupyterLab takes no message without the request it belongs to
      if (!is.null(request)) {
        manager$parent_request <- request
        keep_questions(get(".self", parent.frame()))
        if (!isTRUE(request$content$silent)) output_handler <- seen_first(output_handler, request)
      }
      # in each cell: what the search path has of IRkernel goes away when R collects an unused Executor of IRkernel
      for (name in names(functions)) asNamespace("IRkernel")$add_to_user_searchpath(name, functions[[name]])
      on.exit(for (each in after_cell) try(each(), silent = TRUE))
    }
    evaluate(input, ..., output_handler = output_handler)
  }
  lockBinding("evaluate", imports)
  makeActiveBinding("comm_manager", function(value) {
    if (!missing(value)) {
      manager <<- value
      for (name in names(targets)) manager$register_target(name, targets[[name]])
    }
    manager
  }, asNamespace("IRkernel")$runtime_env)
}

# After a cell that fails or is interrupted IRkernel drops all that waits, also what the panels ask, which would wait for ever.
# As Jupyter's protocol has it, the cells that wait are aborted, and all else is done.
keep_questions <- function(executor) {
  kernel <- environment(executor$abort_queued_messages)$.self
  if (is.null(kernel)) return() # done before
  executor$abort_queued_messages <- function() {
    kept <- list()
    while (is_waiting(kernel$sockets$shell)) {
      parts <- pbdZMQ::zmq.recv.multipart(kernel$sockets$shell, unserialize = FALSE)
      message <- kernel$wire_to_msg(parts)
      if (message$header$msg_type == "execute_request") {
        abort(kernel, message)
      } else {
        kept[[length(kept) + 1L]] <- parts
      }
    }
    for (parts in kept) handle_parts(kernel, parts)
  }
}

# With the states that JupyterLab waits for.
abort <- function(kernel, message) {
  state <- function(name) kernel$send_response("status", message, "iopub", list(execution_state = name))
  state("busy")
  kernel$send_response("execute_reply", message, "shell", list(status = "aborted"))
  state("idle")
}

is_waiting <- function(socket) {
  pbdZMQ::zmq.poll(c(socket), pbdZMQ::ZMQ.PO()$POLLIN, 0L)
  bitwAnd(pbdZMQ::zmq.poll.get.revents(1L), pbdZMQ::ZMQ.PO()$POLLIN) > 0L
}

# IRkernel's own function, with a message that has been received.
handle_parts <- function(kernel, parts) {
  handle <- kernel$handle_shell
  environment(handle) <- list2env(list(zmq.recv.multipart = function(...) parts), parent = environment(handle))
  handle()
}

# What evaluate() calls with the output of a cell: the panels first, then IRkernel.
seen_first <- function(handler, request) {
  show_plot <- handler$graphics
  show_value <- handler$value
  handler$graphics <- function(plot) {
    for (each in on_plot) try(each(plot, request), silent = TRUE)
    show_plot(plot)
  }
  handler$value <- function(object, visible) show_value(object, visible && !is_taken(object))
  handler
}

is_taken <- function(object) {
  for (each in on_value) if (isTRUE(try(each(object), silent = TRUE))) return(TRUE)
  FALSE
}

# Has R answer each question of the browser. A problem is a sentence that the panel shows.
answer_with <- function(comm, answer) {
  comm$on_msg(function(message) {
    reply <- tryCatch(
      answer(message),
      interrupt = function(condition) list(problem = "R was interrupted."),
      error = function(condition) list(problem = valid(conditionMessage(condition))))
    comm$send(c(reply, list(answer = message$ask)))
  })
}

# The files are run in the order of their use; those of one panel in one environment.
source_panels <- function(panels) {
  folder <- file.path(dirname(Sys.getenv("R_PROFILE")), "panels")
  run <- function(files, env) for (file in files) sys.source(file.path(folder, file), env)
  run("describe.R", panels)
  run("variables.R", new.env(parent = panels))
  run(c("cells.R", "statistics.R", "grid.R"), new.env(parent = panels))
  run("plots.R", new.env(parent = panels))
  run("help.R", new.env(parent = panels))
  run("connections.R", new.env(parent = panels))
  run("packages.R", new.env(parent = panels))
}

source_panels(environment())
install()
