# A licence key or an API token of a group: a file of this server, which is replaced when the operator replaces the original.

rc2_secret <- function(service, as = c("value", "path")) {
  as <- match.arg(as)
  attached <- attached_service(service, "rc2_secret(\"weather\")")
  if (!identical(attached$kind, "secret")) fail("The service ", service, " is no secret; use ", attached$r_code)
  settings <- attached$settings
  value <- read_secret(service, settings$file)
  set_variable(settings$variable, value)
  set_variable(settings$file_variable, settings$file)
  if (as == "path") settings$file else structure(value, class = "rc2_secret", service = service)
}

read_secret <- function(service, path) {
  size <- file.size(path)
  if (is.na(size)) fail(service, " is not attached to this server any more; rc2_secret(\"", service, "\") attaches it.")
  value <- readChar(path, size, useBytes = TRUE)
  Encoding(value) <- "UTF-8"
  sub("[\r\n]+$", "", value)
}

set_variable <- function(name, value) {
  if (!is.null(name)) do.call(Sys.setenv, structure(list(value), names = name))
}

# A notebook keeps what is printed, so the value is not.
format.rc2_secret <- function(x, ...) paste0("<secret ", attr(x, "service"), ">")

print.rc2_secret <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

str.rc2_secret <- function(object, ...) cat("", format(object), "\n")
