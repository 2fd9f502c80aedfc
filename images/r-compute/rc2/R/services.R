rc2_services <- function() {
  inside_rc2()
  entries <- tryCatch(ask_broker("api/services")$services, rc2_error = function(error) {
    message(conditionMessage(error), " These are the services attached to this server.")
    lapply(attached_here(), function(one) c(one, list(attached = TRUE)))
  })
  column <- function(name) vapply(entries, function(entry) as.character(entry[[name]]), "")
  services <- data.frame(
    service = column("service"),
    kind = column("kind"),
    level = column("level"),
    attached = vapply(entries, function(entry) isTRUE(entry$attached), NA),
    as = column("role"),
    until = as.POSIXct(sub("([+-][0-9]{2}):", "\\1", column("until")), format = "%Y-%m-%dT%H:%M:%S%z"),
    why_not = vapply(entries, why_not, ""),
    stringsAsFactors = FALSE
  )
  services[order(services$service), ]
}

why_not <- function(entry) {
  if (isTRUE(entry$attached)) return("")
  if (!length(entry$granted)) return(paste0(entry$why, " Ask ", entry$contact, "."))
  if (nzchar(entry$why)) return(entry$why)
  sprintf("Not attached yet; rc2_connect(\"%s\") attaches it.", entry$service)
}
