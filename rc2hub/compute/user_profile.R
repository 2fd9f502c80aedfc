# The user's start-up file in an R kernel, found and run as in a kernel that was started before its user was known: an error in
# it is shown, and R goes on. R alone would end, and the notebook would not say why. site_profile.R puts this file into
# R_PROFILE_USER. ASCII only.
local({
  chosen <- Sys.getenv("RC2_R_PROFILE_USER", NA)
  Sys.unsetenv(c("R_PROFILE_USER", "RC2_R_PROFILE_USER"))
  if (!is.na(chosen)) Sys.setenv(R_PROFILE_USER = chosen)
  sys.source(file.path(dirname(Sys.getenv("R_PROFILE")), "identity.R"), environment())
  for (file in find_startup_file("R_PROFILE_USER", ".Rprofile")) run_logged(sys.source(file, envir = globalenv()), file)
  invisible()
})
