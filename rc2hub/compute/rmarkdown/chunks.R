# Runs the cells of an R Markdown notebook as knitr runs chunks. A cell's first line may be `%%` and what stands in the
# braces of a chunk: its engine and options. No code of R begins with `%%`. R code runs in IRkernel as any cell does; other
# engines and child documents run through knitr, in the same R. site_profile.R sources this into a separate environment.
# ASCII only.

HEADER <- "^%%([A-Za-z0-9_]+)(( *[ ,])([^\n]*))?(\n|$)"
OPTION_LINE <- "^(#|--|//|%)\\| ?"

# IRkernel has no hook for an engine, but it calls evaluate() of its imports for each cell. This replaces it there. What it
# evaluates is one call deep in every case: IRkernel leaves out of a traceback what it counts at evaluate("stop()").
install <- function() {
  imports <- parent.env(asNamespace("IRkernel"))
  original <- imports$evaluate
  unlockBinding("evaluate", imports)
  imports$evaluate <- function(input, envir = parent.frame(), output_handler = NULL, stop_on_error = 0L, ...) {
    plan <- plan_cell(input, output_handler, stop_on_error)
    old <- options(plan$options)
    on.exit(options(old))
    original(plan$code, envir, output_handler = plan$handler, stop_on_error = plan$stop_on_error, ...)
  }
  lockBinding("evaluate", imports)
}

# What is evaluated for a cell, and how.
plan_cell <- function(input, handler, stop_on_error) {
  plan <- list(code = input, handler = handler, stop_on_error = stop_on_error, options = list())
  if (!is.character(input) || length(input) != 1 || identical(input, "stop()")) return(plan)
  tryCatch({
    read_head()
    chunk <- read_cell(input)
    if (is.null(chunk)) {
      plan
    } else if (isFALSE(chunk$options$eval)) {
      handler$text("Not run: this chunk has eval=FALSE.\n")
      utils::modifyList(plan, list(code = ""))
    } else if (chunk$engine == "r" && is.null(chunk$options$child)) {
      plan_r(plan, chunk)
    } else {
      plan_call(plan, function() show_output(knit_chunk(input, chunk), chunk$engine))
    }
  }, error = function(error) plan_call(plan, function() stop(error)))
}

# The evaluation of a function of this file: its error is one of the cell, and one sentence.
plan_call <- function(plan, code) {
  run <- function() tryCatch(code(), error = function(error) stop(conditionMessage(error), call. = FALSE))
  utils::modifyList(plan, list(code = "getOption('rc2.cell')()", options = list(rc2.cell = run)))
}

# Engine, options and code of a cell, or NULL for plain R. Lines of options (`#| eval: false`) count in R Markdown only: in
# other notebooks they are Quarto's, and Jupyter runs such cells.
read_cell <- function(input) {
  header <- regmatches(input, regexec(HEADER, input))[[1]]
  is_cell <- length(header) == 0
  code <- if (is_cell) input else substring(input, nchar(header[[1]]) + 1)
  lines <- strsplit(code, "\n", fixed = TRUE)[[1]]
  in_document <- is_document(session_file())
  count <- if (in_document) match(FALSE, grepl(OPTION_LINE, lines), length(lines) + 1) - 1 else 0
  if (is_cell && !in_document) return(NULL)
  options <- if (is_cell) list() else parse_options(header[[5]])
  options <- utils::modifyList(options, parse_option_lines(utils::head(lines, count)))
  if (in_document && is.null(options$eval)) options$eval <- default_eval()
  list(engine = if (is_cell || header[[2]] == "R") "r" else header[[2]], options = options, code = code)
}

# The options of a header; only those that are used are evaluated, in the user's workspace.
parse_options <- function(text) {
  text <- trimws(sub("[, ]+$", "", text))
  named <- if (grepl("^[^,=\"']+(,|$)", text)) sub("^([^,]+)", "label = '\\1'", text) else text
  values <- tryCatch(
    eval(parse(text = sprintf("alist(%s)", named), keep.source = FALSE)[[1]], baseenv()),
    error = function(error) stop("The options of this chunk are no R: ", text, call. = FALSE))
  values <- values[!vapply(values, identical, NA, quote(expr = ))]
  used <- intersect(names(values), c("eval", "child", "error", "fig.width", "fig.height", "file", "code", "ref.label"))
  lapply(values[used], eval, globalenv())
}

# Quarto's lines of options above the code: YAML, or as in a header.
parse_option_lines <- function(lines) {
  if (length(lines) == 0) return(list())
  lines <- sub(OPTION_LINE, "", lines)
  if (!grepl("^[^ :]+:($|\\s)", lines[[1]])) return(parse_options(paste(lines, collapse = "")))
  expression <- function(text) eval(parse(text = text), globalenv())
  values <- yaml::yaml.load(paste(lines, collapse = "\n"), handlers = list(expr = expression), eval.expr = FALSE)
  if (is.list(values)) stats::setNames(values, sub("^(fig|out)-", "\\1.", names(values))) else list()
}

plan_r <- function(plan, chunk) {
  options <- chunk$options
  if (!is.null(options$ref.label)) {
    stop("A notebook does not know the code of other chunks, which ref.label asks for.", call. = FALSE)
  }
  code <- chunk$code
  if (!is.null(options$file)) code <- unlist(lapply(options$file, readLines))
  if (!is.null(options$code)) code <- options$code
  plan$code <- paste(code, collapse = "\n")
  if (is.numeric(options$eval)) plan$code <- chosen_expressions(plan$code, options$eval)
  plan$options <- as.list(c(repr.plot.width = options$fig.width, repr.plot.height = options$fig.height))
  if (isTRUE(options$error)) { # the cells below are run, as the chunks are
    plan$stop_on_error <- 0L
    plan$handler$error <- function(error) plan$handler$text(paste0("Error: ", conditionMessage(error), "\n"))
  }
  plan
}

chosen_expressions <- function(code, numbers) {
  expressions <- parse(text = code, keep.source = TRUE)
  sources <- vapply(attr(expressions, "srcref"), function(source) paste(as.character(source), collapse = "\n"), "")
  paste(sources[numbers], collapse = "\n")
}

# The output in markdown of a chunk that knitr runs. Figures are in it as data; all that knitr keeps is as before afterwards.
knit_chunk <- function(input, chunk) {
  if (is.null(knitr::knit_engines$get(chunk$engine)) && chunk$engine != "r") {
    stop("R has no engine for chunks of ", chunk$engine, "; knitr::knit_engines lists those that there are.", call. = FALSE)
  }
  kept <- list(knitr::opts_knit, knitr::opts_chunk, knitr::knit_hooks, knitr::opts_hooks, knitr::knit_code)
  before <- lapply(kept, function(settings) settings$get())
  on.exit(Map(function(settings, values) settings$restore(values), kept, before))
  knitr::render_markdown()
  knitr::knit_code$restore(list()) # a label may come again when its cell runs again
  knitr::opts_knit$set(
    child = TRUE, output.dir = getwd(), upload.fun = knitr::image_uri, out.format = "markdown", rmarkdown.pandoc.to = "html")
  figures <- tempfile("figures-")
  on.exit(unlink(figures, recursive = TRUE), add = TRUE)
  knitr::opts_chunk$set(error = FALSE, message = FALSE, comment = "", fig.path = paste0(figures, "/"))
  if (is.null(chunk$options$child) && !chunk$engine %in% c("asis", "embed", "verbatim")) {
    knitr::opts_hooks$set(engine = function(options) utils::modifyList(options, list(echo = FALSE)))
  }
  header <- sub("^%%([^\n]*).*", "\\1", input)
  fence <- strrep("`", max(3, attr(gregexpr("`+", input)[[1]], "match.length") + 1))
  # a chunk in the first line would end at any fence, also at a shorter one in its code
  text <- c("", sprintf("%s{%s}", fence, if (startsWith(input, "%%")) header else "r"), chunk$code, fence)
  suppressMessages(knitr::knit_child(text = text, envir = globalenv(), quiet = TRUE)) # "Quitting from lines"
}

show_output <- function(markdown, engine) {
  markdown <- trimws(paste(markdown, collapse = "\n"))
  if (!nzchar(markdown)) return(invisible())
  plain <- regmatches(markdown, regexec("^```\n([^`]*)\n```$", markdown))[[1]]
  if (length(plain)) {
    cat(plain[[2]], "\n", sep = "")
  } else if (engine %in% c("css", "js")) {
    IRdisplay::display_html(gsub("^```+\\{=html\\}\n|\n```+$", "", markdown))
  } else {
    IRdisplay::display_markdown(markdown)
  }
  invisible()
}

# The file of this notebook. Jupyter tells it to a kernel when it starts.
session_file <- function() Sys.getenv("JPY_SESSION_NAME")

is_document <- function(file) grepl("\\.(rmd|qmd)$", file, ignore.case = TRUE)

# The head of the document, as it is saved now.
head_of_document <- new.env(parent = emptyenv())

# `eval` of the chunks that have no such option: the document's own setting, in R or in Quarto's head.
default_eval <- function() {
  by_code <- if (isNamespaceLoaded("knitr")) knitr::opts_chunk$get("eval")
  if (is.null(by_code) || isTRUE(by_code)) head_of_document$eval else by_code
}

# Reads the head again when the file has changed. `params` are its values, unless the user has an object of that name.
read_head <- function() {
  file <- session_file()
  if (!is_document(file) || !file.exists(file)) return()
  changed <- file.mtime(file)
  if (identical(head_of_document$changed, changed)) return()
  lines <- readLines(file, warn = FALSE, encoding = "UTF-8")
  end <- utils::head(grep("^(---|\\.\\.\\.)\\s*$", lines), 2)
  has_head <- length(end) == 2 && end[[1]] == 1
  lines <- if (has_head) lines[seq_len(end[[2]])]
  tryCatch({
    settings <- if (has_head) yaml::yaml.load(paste(lines[-end], collapse = "\n"), eval.expr = FALSE)
    values <- if (is.list(settings) && "params" %in% names(settings)) knitr::knit_params(lines)
  }, error = function(error) stop("The head of this document cannot be read: ", conditionMessage(error), call. = FALSE))
  head_of_document$changed <- changed
  head_of_document$eval <- NULL
  if (!is.list(settings)) return()
  head_of_document$eval <- c(settings$execute$eval, settings$knitr$opts_chunk$eval)
  own <- get0("params", globalenv(), inherits = FALSE)
  if (is.null(values) || (!is.null(own) && !identical(own, head_of_document$params))) return()
  head_of_document$params <- lapply(values, function(param) param$value)
  assign("params", head_of_document$params, globalenv())
}
