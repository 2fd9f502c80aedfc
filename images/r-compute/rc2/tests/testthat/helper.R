# Writes an attachments folder as the compute side does, for one test; no broker answers at the address.
local_attachments <- function(..., env = parent.frame()) {
  folder <- tempfile("attachments")
  dir.create(folder)
  before <- Sys.getenv(c("RC2_ATTACHMENTS_DIR", "RC2_BROKER_URL"))
  Sys.setenv(RC2_ATTACHMENTS_DIR = folder, RC2_BROKER_URL = "http://127.0.0.1:9/")
  writeLines(jsonlite::toJSON(list(attachments = list(...)), auto_unbox = TRUE), file.path(folder, "attachments.json"))
  do.call(on.exit, list(bquote({
    do.call(Sys.setenv, as.list(.(before)))
    unlink(.(folder), recursive = TRUE)
  })), envir = env)
}

flights <- list(
  service = "flights", kind = "postgres", level = "read", state = "attached", role = "rc2_flights_as_alice",
  expires_at = "2026-11-24T12:00:00+00:00", message = "")

# The attachment of a secret with this content.
local_secret <- function(content, ..., env = parent.frame()) {
  file <- tempfile("secret")
  writeBin(charToRaw(content), file)
  do.call(on.exit, list(bquote(unlink(.(file))), add = TRUE), envir = env)
  modifyList(flights, list(service = "weather", kind = "secret", settings = list(file = file, ...)))
}
