# Makes the standby's R equal to one that the user has just started: the steps of R's own start, in the same order, with the
# user's environment. See help("Startup"), and the file Rprofile of the package base.
# Sent whole with each call and evaluated inside local(), so that no object of it stays in the session. ASCII only.

# At activation: the user's account (in a pod), the user's environment (a variable that is NULL is removed), the site's
# settings, and the user's home.
assume_identity <- function(env, account) {
  if (length(account)) set_account(account)
  initial <- initial_environment()
  Sys.unsetenv(setdiff(names(Sys.getenv()), c(names(initial), "R_SESSION_TMPDIR")))
  set_environment(initial)
  Sys.unsetenv(names(env)[vapply(env, is.null, NA)])
  set_environment(Filter(Negate(is.null), env))
  readRenviron(file.path(R.home("etc"), "Renviron"))
  site <- Sys.getenv("R_ENVIRON", file.path(R.home("etc"), "Renviron.site"))
  if (file.exists(site)) readRenviron(site)
  apply_environment()
  setwd(path.expand("~"))
}

# When the first notebook opens, in this folder: the start-up files that R looks for there and in the home.
run_startup_files <- function(cwd, env) {
  setwd(native(cwd))
  set_environment(env)
  if (nzchar(Sys.getenv("PWD"))) Sys.setenv(PWD = getwd())
  environ <- find_startup_file("R_ENVIRON_USER", ".Renviron")
  if (length(environ)) {
    readRenviron(environ)
    apply_environment()
  }
  profile <- find_startup_file("R_PROFILE_USER", ".Rprofile")
  image <- Filter(file.exists, ".RData")
  if (length(c(profile, image))) run_profile(profile, image)
}

# From root to the user's account. The library is in the image, built from set_account.c.
set_account <- function(account) {
  library <- "/usr/lib/rc2/set_account.so"
  dyn.load(library)
  on.exit(dyn.unload(library))
  groups <- as.integer(unlist(account$groups))
  error <- .C("rc2_set_account", as.integer(account$uid), groups, length(groups), tempdir(), error = 0L)$error
  if (error != 0L) stop("the account could not be changed (errno ", error, ")")
  Sys.umask(account$umask)
}

# The environment that this process started with, before R itself set variables for the home it then had.
initial_environment <- function() {
  bytes <- readBin("/proc/self/environ", "raw", 2^22)
  entries <- vapply(split(bytes, cumsum(bytes == 0)), function(entry) rawToChar(entry[entry != 0]), "")
  entries <- entries[grepl("^[^=]+=", entries) & !grepl("^(LD_PRELOAD|_STDBUF_O)=", entries)] # see site_profile.R
  as.list(structure(sub("^[^=]+=", "", entries), names = sub("=.*", "", entries)))
}

# Jupyter passes bytes, as the system does; the mark "UTF-8" would have R translate them to its present locale.
native <- function(text) {
  Encoding(text) <- "unknown"
  text
}

set_environment <- function(env) {
  if (length(env)) do.call(Sys.setenv, lapply(env, native))
}

# What R reads from the environment only once, when it starts.
apply_environment <- function() {
  for (category in c("LC_CTYPE", "LC_COLLATE", "LC_TIME", "LC_MONETARY", "LC_MESSAGES", "LC_PAPER", "LC_MEASUREMENT")) {
    suppressWarnings(Sys.setlocale(category, ""))
  }
  base <- baseenv()
  unlockBinding(".sys.timezone", base)
  base$.sys.timezone <- NA_character_
  lockBinding(".sys.timezone", base)
  options(
    browser = Sys.getenv("R_BROWSER"), editor = Sys.getenv("EDITOR"), papersize = Sys.getenv("R_PAPERSIZE_USER"),
    pdfviewer = Sys.getenv("R_PDFVIEWER"), printcmd = Sys.getenv("R_PRINTCMD"), texi2dvi = Sys.getenv("R_TEXI2DVICMD"),
    timeout = max(1L, as.integer(Sys.getenv("R_DEFAULT_INTERNET_TIMEOUT", "60")))
  )
  for (name in c("R_LIBS_USER", "R_LIBS_SITE")) {
    do.call(Sys.setenv, structure(list(.expand_R_libs_env_var(Sys.getenv(name))), names = name))
  }
  # R would ask before it makes this folder, but a kernel has no terminal to ask in: install.packages() would fail
  library <- path.expand(sub(":.*", "", Sys.getenv("R_LIBS_USER")))
  if (nzchar(library)) dir.create(library, showWarnings = FALSE, recursive = TRUE)
  paths <- strsplit(Sys.getenv(c("R_LIBS", "R_LIBS_USER", "R_LIBS_SITE")), ":", fixed = TRUE)
  .libPaths(unlist(paths, use.names = FALSE), include.site = FALSE)
}

# The variable names the file, or no file if it is empty. Without the variable, the working directory comes before the home.
find_startup_file <- function(variable, name) {
  chosen <- Sys.getenv(variable, NA)
  candidates <- if (is.na(chosen)) c(name, file.path("~", name)) else chosen
  utils::head(Filter(function(file) file.access(file, 4) == 0, path.expand(candidates)), 1)
}

# R runs a profile before it attaches its default packages and the kernel's functions. So these are detached first, and
# attached again on top of what the profile attached. Some options are IRkernel's, whatever the profile sets.
run_profile <- function(profile, image) {
  kernel_options <- options()[c(
    "crayon.enabled", "pager", "jupyter.base_display_func", "jupyter.clear_output_func", "jupyter.in_kernel")]
  kernel_functions <- list()
  while (!search()[[2]] %in% c("package:methods", "Autoloads")) {
    detached <- detach(2)
    if (identical(attr(detached, "name"), "jupyter:irkernel")) kernel_functions <- c(detached, kernel_functions)
  }
  for (file in profile) run_logged(sys.source(file, envir = globalenv()), file)
  for (file in image) run_logged(sys.load.image(file, TRUE), file)
  first <- globalenv()[[".First"]]
  if (is.function(first)) run_logged(first(), ".First()")
  run_logged(.First.sys(), ".First.sys()")
  for (functions in kernel_functions) attach(functions, name = "jupyter:irkernel", warn.conflicts = FALSE)
  options(kernel_options)
}

# Messages of the files go where R's own start writes them, so the first cell shows them; the kernel survives an error.
run_logged <- function(code, file) {
  to_log <- function(condition, prefix) cat(prefix, conditionMessage(condition), "\n", sep = "", file = stderr())
  tryCatch(
    withCallingHandlers(code,
      message = function(condition) {
        cat(conditionMessage(condition), file = stderr())
        tryInvokeRestart("muffleMessage")
      },
      warning = function(condition) {
        to_log(condition, "Warning message:\n")
        tryInvokeRestart("muffleWarning")
      }),
    error = function(condition) to_log(condition, paste0("Error in a start-up file of R, ", file, ": ")))
  invisible()
}
