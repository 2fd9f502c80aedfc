# sum() and its like of a logical column: R counts TRUE as 1, SQL has no sum of BOOLEAN. Which columns are logical the service
# knows, so it is asked before the SQL is written, and only where such a call is.

COUNTING_CALLS <- c("sum", "mean", "min", "max", "sd", "var", "cumsum", "cummean", "cummin", "cummax")

# For both services: dbplyr's own SQL of a query in which logical columns are counted.
render_counted <- function(con, sql, ...) {
  query <- if (inherits(sql, "tbl_lazy")) sql$lazy_query else sql
  if (inherits(query, "lazy_query")) sql <- with_counted(query, con)
  dbplyr_method("db_sql_render", "DBIConnection")(con, sql, ...)
}

with_counted <- function(query, con) {
  for (part in names(query)) {
    if (inherits(query[[part]], "lazy_query")) query[[part]] <- with_counted(query[[part]], con)
    else if (is.list(query[[part]]) && is.list(query[[part]][["table"]])) { # of joins and unions
      query[[part]][["table"]] <- lapply(query[[part]][["table"]], function(table) {
        if (inherits(table, "lazy_query")) with_counted(table, con) else table
      })
    }
  }
  if (!inherits(query, "lazy_select_query")) return(query)
  counted <- unique(unlist(lapply(c(query$select$expr, query$where, query$having), counted_columns)))
  if (!length(counted)) return(query)
  logicals <- intersect(counted, logical_columns(query$x, con))
  if (!length(logicals)) return(query)
  count <- function(calls) lapply(calls, as_counts, logicals)
  query$select$expr <- count(query$select$expr)
  for (part in c("where", "having")) if (length(query[[part]])) query[[part]] <- count(query[[part]])
  query
}

logical_columns <- function(query, con) {
  colours <- options(dbplyr_use_colour = FALSE) # show_query() colours the SQL that is to be shown
  on.exit(options(colours))
  columns <- dbGetQuery(con, paste0("SELECT * FROM (", dbplyr::sql_render(query, con = con), ") AS rc2_rows LIMIT 0"))
  names(columns)[vapply(columns, is.logical, NA)]
}

# The columns that are the first argument of such a call, whatever is around it.
counted_columns <- function(call) {
  call <- call_of(call)
  if (!is.call(call)) return(NULL)
  found <- if (is_counting(call)) as.character(call[[2]])
  c(found, unlist(lapply(as.list(call)[-1], counted_columns)))
}

is_counting <- function(call) {
  name <- call[[1]]
  if (is.call(name) && length(name) == 3) name <- name[[3]]
  is.name(name) && as.character(name) %in% COUNTING_CALLS && length(call) > 1 && is.name(call[[2]])
}

as_counts <- function(call, logicals) {
  if (inherits(call, "quosure")) return(with_call(call, as_counts(call_of(call), logicals)))
  if (!is.call(call)) return(call)
  if (is_counting(call) && as.character(call[[2]]) %in% logicals) call[[2]] <- call("as.integer", call[[2]])
  for (i in seq_along(call)[-1]) if (is.call(call[[i]])) call[[i]] <- as_counts(call[[i]], logicals)
  call
}
