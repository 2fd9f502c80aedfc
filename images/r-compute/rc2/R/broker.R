# The broker of the hub: it knows which services there are, and attaches them while this server runs.

inside_rc2 <- function() {
  if (!nzchar(Sys.getenv("RC2_ATTACHMENTS"))) {
    fail("This R does not run on a compute server of Rc2; start one on your hub and run the code there.")
  }
}

ask_broker <- function(path, method = "GET", body = NULL) {
  handle <- curl::new_handle(customrequest = method, connecttimeout = 5, timeout = 30)
  if (!is.null(body)) {
    curl::handle_setopt(handle, copypostfields = as.character(jsonlite::toJSON(body, auto_unbox = TRUE)))
  }
  curl::handle_setheaders(handle,
    Authorization = paste("token", Sys.getenv("JUPYTERHUB_API_TOKEN")), "Content-Type" = "application/json")
  answer <- tryCatch(curl::curl_fetch_memory(paste0(Sys.getenv("RC2_BROKER_URL"), path), handle),
    error = function(error) fail("The broker of the shared services does not answer; try again in a moment."))
  content <- tryCatch(jsonlite::fromJSON(rawToChar(answer$content), simplifyDataFrame = FALSE),
    error = function(error) list())
  if (answer$status_code >= 400) {
    fail(if (is.null(content$message)) "The broker of the shared services refused the request." else content$message)
  }
  content
}

attach_service <- function(service, level) {
  server <- Sys.getenv("JUPYTERHUB_SERVER_NAME")
  path <- paste("api/servers", curl::curl_escape(Sys.getenv("JUPYTERHUB_USER")),
    if (nzchar(server)) curl::curl_escape(server) else "-", "attachments", service, sep = "/")
  ask_broker(path, "PUT", list(level = level))
}

# What this server has asked for and what became of it, as its own files say; they are there while the broker is away.
all_asked_for <- function() {
  file <- file.path(Sys.getenv("RC2_ATTACHMENTS"), "attachments.json")
  if (file.exists(file)) jsonlite::fromJSON(file, simplifyDataFrame = FALSE)$attachments else list()
}

asked_for <- function(service) {
  found <- Filter(function(one) identical(one$service, service), all_asked_for())
  if (length(found)) found[[1]]
}

attached_here <- function() Filter(function(one) identical(one$state, "attached"), all_asked_for())
