# What the standby's R does to be, afterwards, as if it had just been started by the person whose it became.
# Sent whole with each call and evaluated inside local(), so that nothing of it stays in her session.

# R's own start-up: see the files Rprofile of base and etc/Renviron, and help("Startup").
libraries <- function() {
  paths <- unlist(strsplit(Sys.getenv(c("R_LIBS", "R_LIBS_USER")), ":", fixed = TRUE), use.names = FALSE)
  .libPaths(paths, include.site = TRUE)
}

readable <- function(...) {
  found <- Filter(function(file) nzchar(file) && file.exists(file), c(...))
  if (length(found)) found[[1]]
}

# Identity: her environment (a variable that is NULL goes), home, locale and libraries.
become <- function(env) {
  gone <- vapply(env, is.null, NA)
  locale <- c("LANG", "LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_TIME", "LC_MONETARY")
  before <- Sys.getenv(locale)
  Sys.unsetenv(c(names(env)[gone], setdiff("R_LIBS_USER", names(env))))
  do.call(Sys.setenv, env[!gone])
  if (!identical(before, Sys.getenv(locale))) Sys.setlocale("LC_ALL", "")
  setwd(Sys.getenv("HOME"))
  site <- Sys.getenv("R_LIBS_SITE")
  for (file in c("Renviron.site", "Renviron")) {
    file <- file.path(R.home("etc"), file)
    if (file.exists(file)) readRenviron(file)
  }
  Sys.setenv(R_LIBS_USER = .expand_R_libs_env_var(Sys.getenv("R_LIBS_USER")), R_LIBS_SITE = site)
  libraries()
}

# The first notebook's folder, and the start-up files that R would have read there.
enter <- function(cwd, env) {
  setwd(cwd)
  Sys.setenv(PWD = getwd())
  if (length(env)) do.call(Sys.setenv, env)
  environ <- readable(Sys.getenv("R_ENVIRON_USER"), ".Renviron", path.expand("~/.Renviron"))
  if (!is.null(environ)) {
    readRenviron(environ)
    Sys.setenv(R_LIBS_USER = .expand_R_libs_env_var(Sys.getenv("R_LIBS_USER")))
    libraries()
  }
  profile <- readable(Sys.getenv("R_PROFILE_USER"), ".Rprofile", path.expand("~/.Rprofile"))
  tryCatch({
    if (!is.null(profile)) sys.source(profile, envir = globalenv())
    first <- globalenv()[[".First"]]
    if (is.function(first)) first()
  }, error = function(error) message("Error in ", profile, ": ", conditionMessage(error)))
}
