rc2_services <- function() {
  check_inside_rc2()
  entries <- tryCatch(ask_broker("api/services")$services, rc2_error = function(error) {
    message(conditionMessage(error), " These are the services attached to this server.")
    lapply(all_attached(), function(entry) c(entry, list(attached = TRUE)))
  })
  column <- function(name) vapply(entries, function(entry) as.character(entry[[name]]), "")
  services <- data.frame(
    service = column("service"),
    kind = column("kind"),
    level = column("level"),
    attached = vapply(entries, function(entry) isTRUE(entry$attached), NA),
    role = column("role"),
    expires_at = as.POSIXct(sub("([+-][0-9]{2}):", "\\1", column("expires_at")), format = "%Y-%m-%dT%H:%M:%S%z"),
    message = vapply(entries, message_of, ""),
    stringsAsFactors = FALSE
  )
  services[order(services$service), ]
}

message_of <- function(entry) {
  if (isTRUE(entry$attached)) return("")
  if (!length(entry$granted)) return(paste0(entry$message, " Ask ", entry$contact, "."))
  if (nzchar(entry$message)) return(entry$message)
  sprintf("Not attached yet; rc2_connect(\"%s\") attaches it.", entry$service)
}
