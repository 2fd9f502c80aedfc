# What R does for the panels of JupyterLab. Without an open panel a cell costs a few function calls. site_profile.R runs this
# file in each kernel. Each panel's file has an environment of its own, which sees this one. ASCII only.

targets <- list() # name of a comm's target to what is done when the browser opens one
after_cell <- list() # functions
functions <- list() # that take the place of IRkernel's, by name

# IRkernel calls evaluate() for each cell, and before that once for the text "stop()". It stores its comm manager when it has
# defined its functions.
install <- function() {
  manager <- NULL
  imports <- parent.env(asNamespace("IRkernel"))
  evaluate <- imports$evaluate
  unlockBinding("evaluate", imports)
  imports$evaluate <- function(input, ...) {
    if (!identical(input, "stop()")) {
      request <- parent.frame()$request # IRkernel's execute(); JupyterLab takes no message without the request it belongs to
      if (!is.null(request)) manager$parent_request <- request
      on.exit(for (each in after_cell) try(each(), silent = TRUE))
    }
    evaluate(input, ...)
  }
  lockBinding("evaluate", imports)
  makeActiveBinding("comm_manager", function(value) {
    if (!missing(value)) {
      manager <<- value
      for (name in names(targets)) manager$register_target(name, targets[[name]])
      for (name in names(functions)) asNamespace("IRkernel")$add_to_user_searchpath(name, functions[[name]])
    }
    manager
  }, asNamespace("IRkernel")$runtime_env)
}

# The files are run in the order of their use; those of one panel in one environment.
source_panels <- function(panels) {
  folder <- file.path(dirname(Sys.getenv("R_PROFILE")), "panels")
  run <- function(files, env) for (file in files) sys.source(file.path(folder, file), env)
  run("describe.R", panels)
  run("variables.R", new.env(parent = panels))
  run(c("cells.R", "grid.R"), new.env(parent = panels))
}

source_panels(environment())
install()
