# The tables of attached databases, and of DBI connections in variables, for the panel Connections of JupyterLab, which asks for
# one level of the tree at a time. A path is a named list of parts, such as schema and table. ASCII only.

databases <- c("postgres", "spark") # kinds of services that rc2_connect() connects to

opened <- function(comm, message) answer_with(comm, function(question) {
  list(objects = if (is.null(question$connection)) connections() else inside(question$connection, as.list(question$path)))
})

# `code` is the R that gives the connection or table.
connections <- function() {
  services <- attached_databases()
  variables <- connection_variables()
  codes <- c(sprintf("rc2::rc2_connect(%s)", quoted(services)), syntactic(variables))
  Map(function(name, code) list(name = valid(name), kind = "connection", code = code), c(services, variables), codes,
    USE.NAMES = FALSE)
}

attached_databases <- function() {
  if (!nzchar(Sys.getenv("RC2_ATTACHMENTS_DIR")) || !requireNamespace("rc2", quietly = TRUE)) return(character())
  services <- suppressMessages(rc2::rc2_services())
  services$service[services$attached & services$kind %in% databases]
}

# Connections that the user has made with other packages; Rc2's own are those of the services.
connection_variables <- function() {
  is_connection <- function(name) {
    value <- get(name, globalenv())
    isS4(value) && methods::is(value, "DBIConnection") && !methods::is(value, "Rc2DBIConnection") && DBI::dbIsValid(value)
  }
  names <- ls(globalenv())
  Filter(is_connection, names[!are_unevaluated(names)])
}

# What is inside of a connection, a schema or a catalogue; of a table, its columns.
inside <- function(code, path) {
  connection <- eval(parse(text = code), globalenv())
  id <- if (length(path)) do.call(DBI::Id, path)
  if ("table" %in% names(path)) return(columns_of(connection, id))
  found <- DBI::dbListObjects(connection, id)
  lapply(seq_len(nrow(found)), function(i) describe(found$table[[i]]@name, found$is_prefix[[i]], code))
}

describe <- function(parts, is_prefix, code) {
  names <- names(parts)
  table <- if (length(parts) == 1) quoted(parts) else sprintf("DBI::Id(%s)", paste(names, "=", quoted(parts), collapse = ", "))
  list(
    name = valid(parts[[length(parts)]]), kind = if (is_prefix) names[[length(names)]] else "table", path = as.list(parts),
    code = if (is_prefix) "" else sprintf("dplyr::tbl(%s, %s)", code, table))
}

columns_of <- function(connection, id) {
  query <- paste("SELECT * FROM", DBI::dbQuoteIdentifier(connection, id), "WHERE 1 = 0")
  columns <- DBI::dbGetQuery(connection, query)
  Map(function(name, column) list(name = valid(name), kind = "column", type = type_of(column)),
    names(columns), columns, USE.NAMES = FALSE)
}

quoted <- function(texts) encodeString(valid(texts), quote = "\"")

syntactic <- function(names) ifelse(make.names(names) == names, names, sprintf("`%s`", names))

targets$rc2.connections <<- opened
