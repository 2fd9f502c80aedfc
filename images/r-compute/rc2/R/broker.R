# Calls to the hub's broker, which lists the services and attaches them while this server runs, and the attachments' files.

check_inside_rc2 <- function() {
  if (!nzchar(Sys.getenv("RC2_ATTACHMENTS_DIR"))) {
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

# The services that were requested for this server, with their state. These files are there while the broker is away, too.
all_requested <- function() {
  file <- file.path(Sys.getenv("RC2_ATTACHMENTS_DIR"), "attachments.json")
  if (file.exists(file)) jsonlite::fromJSON(file, simplifyDataFrame = FALSE)$attachments else list()
}

requested <- function(service) {
  found <- Filter(function(entry) identical(entry$service, service), all_requested())
  if (length(found)) found[[1]]
}

all_attached <- function() Filter(function(entry) identical(entry$state, "attached"), all_requested())
