# Tables of Hive, as the hub's gateway lists them. Spark reads and writes them; Hive's catalogue is that of its connection.

rc2_hive_tables <- function(service = "hive") {
  attached <- attached_service(service, "rc2_hive_tables(\"tables\")")
  if (!identical(attached$kind, "hive")) fail("The service ", service, " is no Hive; rc2_services() shows each one's kind.")
  tables <- list_hive_tables(service, attached$settings$gateway)
  column <- function(name) vapply(tables, function(table) table[[name]], "")
  listed <- data.frame(database = column("database"), table = column("table"), type = tolower(column("type")),
    comment = column("comment"))
  listed[order(listed$database, listed$table), , drop = FALSE]
}

list_hive_tables <- function(service, gateway) {
  handle <- store_handle("GET")
  answer <- tryCatch(curl::curl_fetch_memory(paste0(gateway, "/tables"), handle), error = function(error) {
    fail(service, ": its gateway does not answer; try again in a moment.")
  })
  content <- tryCatch(parse_hdfs(answer$content), error = function(error) list(message = "its gateway sent no list."))
  if (answer$status_code != 200) fail(service, ": ", content$message)
  content$tables
}
