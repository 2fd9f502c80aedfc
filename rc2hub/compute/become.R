# What the standby's R does to be, afterwards, as if it had just been started by the person whose it became: what R does
# when it starts, in the same order, with her environment. See help("Startup"), and the file Rprofile of the package base.
# Sent whole with each call and evaluated inside local(), so that nothing of it stays in her session. ASCII only.

# The standby is hers: in a pod her account, then her environment (a variable that is NULL goes), the site's settings on top,
# and her home.
become <- function(env, account) {
  if (length(account)) become_account(account)
  born <- environment_at_birth()
  Sys.unsetenv(setdiff(names(Sys.getenv()), c(names(born), "R_SESSION_TMPDIR")))
  set_environment(born)
  Sys.unsetenv(names(env)[vapply(env, is.null, NA)])
  set_environment(Filter(Negate(is.null), env))
  readRenviron(file.path(R.home("etc"), "Renviron"))
  site <- Sys.getenv("R_ENVIRON", file.path(R.home("etc"), "Renviron.site"))
  if (file.exists(site)) readRenviron(site)
  follow_environment()
  setwd(path.expand("~"))
}

# Its first notebook is opened, in this folder: now the start-up files that R looks for in the folder and in her home.
enter <- function(cwd, env) {
  setwd(native(cwd))
  set_environment(env)
  if (nzchar(Sys.getenv("PWD"))) Sys.setenv(PWD = getwd())
  environ <- start_up_file("R_ENVIRON_USER", ".Renviron")
  if (length(environ)) {
    readRenviron(environ)
    follow_environment()
  }
  profile <- start_up_file("R_PROFILE_USER", ".Rprofile")
  image <- Filter(file.exists, ".RData")
  if (length(c(profile, image))) start_up(profile, image)
}

# From root to the person's account. The library is in the image, made from become.c.
become_account <- function(account) {
  library <- "/usr/lib/rc2/become.so"
  dyn.load(library)
  on.exit(dyn.unload(library))
  groups <- as.integer(unlist(account$groups))
  error <- .C("rc2_become", as.integer(account$uid), groups, length(groups), tempdir(), error = 0L)$error
  if (error != 0L) stop("the account could not be changed (errno ", error, ")")
  Sys.umask(account$umask)
}

# What this process was given, before R itself set variables for the home it then had.
environment_at_birth <- function() {
  bytes <- readBin("/proc/self/environ", "raw", 2^22)
  entries <- vapply(split(bytes, cumsum(bytes == 0)), function(entry) rawToChar(entry[entry != 0]), "")
  entries <- entries[grepl("^[^=]+=", entries)]
  as.list(structure(sub("^[^=]+=", "", entries), names = sub("=.*", "", entries)))
}

# Jupyter hands over bytes, as the system does; the mark "UTF-8" would have R translate them to the locale it has just now.
native <- function(text) {
  Encoding(text) <- "unknown"
  text
}

set_environment <- function(env) {
  if (length(env)) do.call(Sys.setenv, lapply(env, native))
}

# What R reads off the environment only once, when it starts.
follow_environment <- function() {
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
  # R would ask before it makes this folder, and a kernel cannot be asked: install.packages() would fail
  library <- path.expand(sub(":.*", "", Sys.getenv("R_LIBS_USER")))
  if (nzchar(library)) dir.create(library, showWarnings = FALSE, recursive = TRUE)
  paths <- strsplit(Sys.getenv(c("R_LIBS", "R_LIBS_USER", "R_LIBS_SITE")), ":", fixed = TRUE)
  .libPaths(unlist(paths, use.names = FALSE), include.site = FALSE)
}

# A variable names the file, or names none when it is empty; without it, the one here comes before the one at home.
start_up_file <- function(variable, name) {
  chosen <- Sys.getenv(variable, NA)
  candidates <- if (is.na(chosen)) c(name, file.path("~", name)) else chosen
  head(Filter(function(file) file.access(file, 4) == 0, path.expand(candidates)), 1)
}

# R runs a profile before its default packages and the kernel's own functions are attached, so these come off first, and
# then on top of what the profile has attached; and IRkernel has the last word on some options.
start_up <- function(profile, image) {
  kernel_options <- options()[c(
    "crayon.enabled", "pager", "jupyter.base_display_func", "jupyter.clear_output_func", "jupyter.in_kernel")]
  kernel_functions <- list()
  while (!search()[[2]] %in% c("package:methods", "Autoloads")) {
    off <- detach(2)
    if (identical(attr(off, "name"), "jupyter:irkernel")) kernel_functions <- c(off, kernel_functions)
  }
  for (file in profile) say(sys.source(file, envir = globalenv()))
  for (file in image) say(sys.load.image(file, TRUE))
  first <- globalenv()[[".First"]]
  if (is.function(first)) say(first())
  say(.First.sys())
  for (functions in kernel_functions) attach(functions, name = "jupyter:irkernel", warn.conflicts = FALSE)
  options(kernel_options)
}

# What her files say goes where R at its start would say it, to the server's log; after an error the kernel lives on.
say <- function(code) {
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
    error = function(condition) to_log(condition, "Error in a start-up file of R: "))
  invisible()
}
