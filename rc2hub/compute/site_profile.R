# The site's profile of each R on a compute server: the variable R_PROFILE names it in place of R's own Rprofile.site, which
# it runs first. See help("Startup"). ASCII only.
local({
  site <- file.path(R.home("etc"), "Rprofile.site")
  if (file.exists(site)) sys.source(site, baseenv())
})

# R's own detectCores() counts the cores of the node in /proc/cpuinfo, and has no option for another answer.
setHook(packageEvent("parallel", "onLoad"), function(...) {
  parallel <- asNamespace("parallel")
  unlockBinding("detectCores", parallel)
  parallel$detectCores <- function(all.tests = FALSE, logical = TRUE) as.integer(Sys.getenv("RC2_CORES"))
  lockBinding("detectCores", parallel)
})

# The connection of a chunk of SQL may be the name of a service.
setHook(packageEvent("knitr", "onLoad"), function(...) {
  engines <- asNamespace("knitr")$knit_engines
  run_sql <- engines$get("sql")
  engines$set(sql = function(options) {
    name <- options$connection
    if (is.character(name) && !exists(name, envir = knitr::knit_global())) options$connection <- rc2::rc2_connect(name)
    run_sql(options)
  })
})

# Set for this process alone, so that C code writes without a buffer.
Sys.unsetenv(c("LD_PRELOAD", "_STDBUF_O"))

# The operator's code (`c.Rc2Spawner.r_profile`).
invisible(eval(parse(text = Sys.getenv("RC2_R_PROFILE")), baseenv()))

# A kernel of Jupyter. Its packages are loaded now: the user's start-up file can change the library paths, as renv does, and
# R would not find them any more.
if (any(commandArgs() == "IRkernel::main()")) local({
  chunks <- new.env(parent = baseenv())
  sys.source(file.path(dirname(Sys.getenv("R_PROFILE")), "rmarkdown", "chunks.R"), chunks)
  if (requireNamespace("IRkernel", quietly = TRUE)) chunks$install()
  try(sys.source(file.path(dirname(Sys.getenv("R_PROFILE")), "panels", "panels.R"), new.env(parent = baseenv())), silent = TRUE)
  chosen <- Sys.getenv("R_PROFILE_USER", NA)
  if (!is.na(chosen)) Sys.setenv(RC2_R_PROFILE_USER = chosen)
  Sys.setenv(R_PROFILE_USER = file.path(dirname(Sys.getenv("R_PROFILE")), "user_profile.R"))
})
