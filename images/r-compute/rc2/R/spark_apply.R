# R functions on the executors of Spark.

rc2_spark_apply <- function(tbl, f, columns = NULL, group_by = dplyr::group_vars(tbl), packages = NULL, context = NULL) {
  connection <- spark_connection_of(tbl)
  f <- as_worker_function(f)
  force(group_by)
  tbl <- dplyr::ungroup(tbl)
  for (name in group_by) check_column(name, colnames(tbl))
  columns <- column_types(columns)
  rows <- rows_of(tbl)
  sent <- sent_with(f, work_on_rows, packages, context = if (!is.null(context)) list(context), keys = as.list(group_by),
    arguments = count_arguments(f), classes = packages_of_classes(connection, rows))
  found <- do.call(ml_call, c(list(connection, "spark_apply.apply", sql = rows, payload = sent, seed = seed_or_new(NULL),
    keys = group_by, columns = columns), as_wanted(connection)))
  warn_of_workers(found)
  dplyr::tbl(connection, found$view)
}

rc2_spark_map <- function(x, f, ..., packages = NULL, connection = rc2_spark()) {
  if (!is.vector(x)) fail("x has to be a list or a vector.")
  f <- as_worker_function(f)
  sent <- sent_with(f, work_on_element, packages, more = list(...))
  if (!length(x)) return(stats::setNames(list(), names(x)))
  elements <- unname(lapply(x, serialize, NULL))
  largest <- which.max(lengths(elements))
  if (length(elements[[largest]]) > MOST_SENT) {
    fail("Element ", largest, " of x has ", in_mib(length(elements[[largest]])), ", more than ", in_mib(MOST_SENT),
      "; write it to a table, and use rc2_spark_apply().")
  }
  found <- ml_call(connection, "spark_apply.map_list", payload = sent, seed = seed_or_new(NULL), values = elements,
    places = element_places(x))
  warn_of_workers(found)
  stats::setNames(lapply(found$values, unserialize), names(x))
}

# A formula such as ~ .x + 1 is a function of .x, as in purrr.
as_worker_function <- function(f) {
  if (is.function(f) && (is.primitive(f) || length(formals(f)))) return(f)
  if (is.function(f)) fail("f has no argument, and gets the rows of a group or an element of x, as in function(rows) head(rows).")
  if (!inherits(f, "formula") || length(f) != 2) {
    fail("f has to be a function, such as function(rows) data.frame(n = nrow(rows)), or a formula such as ~ .x.")
  }
  first <- as.name("..1")
  arguments <- c(alist(... = ), list(.x = first, .y = as.name("..2"), . = first))
  eval(call("function", as.pairlist(arguments), f[[2]]), environment(f))
}

# How many of rows, context and values of the group f takes.
count_arguments <- function(f) {
  names <- names(formals(args(f)))
  if ("..." %in% names) .Machine$integer.max else max(length(names), 1L)
}

# R needs these packages for the columns of a table.
packages_of_classes <- function(connection, rows) {
  columns <- columns_of(connection, rows)
  intersect(c(integer64 = "bit64", blob = "blob")[unlist(lapply(columns, class))], c("bit64", "blob"))
}

# Names and types of columns; the type "" is for one that keeps its own.
column_types <- function(columns) {
  if (is.null(columns)) return(NULL)
  if (is.null(names(columns))) columns <- stats::setNames(rep("", length(columns)), unlist(columns))
  if (!all(vapply(columns, is.character, NA)) || anyNA(columns) || !all(nzchar(names(columns)))) {
    fail("columns are the names of the result's columns, such as c(\"carrier\", \"mean\"), or their types by name, such as ",
      "c(mean = \"double\").")
  }
  list(names = names(columns), kinds = unlist(columns, use.names = FALSE))
}

element_places <- function(x) {
  names <- names(x)
  paste0("element ", seq_along(x), if (!is.null(names)) ifelse(nzchar(names), paste0(" (", names, ")"), ""))
}

warn_of_workers <- function(found) {
  if (!found$warned) return()
  several <- paste0("f gave warnings for ", found$warned, " of them; the first one, for ")
  warning(if (found$warned > 1) several else "f gave a warning for ", found$place, ": ", found$warning, call. = FALSE)
}
