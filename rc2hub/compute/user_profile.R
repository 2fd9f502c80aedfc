# The user's start-up file in an R kernel, run as identity.R runs it: an error in it is shown, and R goes on. R alone would end,
# and the notebook would not say why. site_profile.R puts this file into R_PROFILE_USER. ASCII only.
local({
  chosen <- Sys.getenv("RC2_R_PROFILE_USER", NA)
  Sys.unsetenv(c("R_PROFILE_USER", "RC2_R_PROFILE_USER"))
  if (!is.na(chosen)) Sys.setenv(R_PROFILE_USER = chosen)
  candidates <- if (is.na(chosen)) c(".Rprofile", "~/.Rprofile") else chosen
  files <- Filter(function(file) file.access(file, 4) == 0, path.expand(candidates))
  for (file in files[seq_len(min(1, length(files)))]) {
    tryCatch(sys.source(file, envir = globalenv()), error = function(condition) {
      cat("Error in a start-up file of R, ", file, ": ", conditionMessage(condition), "\n", sep = "", file = stderr())
    })
  }
  invisible()
})
