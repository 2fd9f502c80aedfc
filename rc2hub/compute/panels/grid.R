# The rows of a data frame or a lazy table for the grid of JupyterLab, which asks for a page at a time. A grid of a variable
# reads it again for each page, so it shows the variable as of the last cell. R keeps a reference to its columns only while
# rows are sorted or filtered; so it copies no table, but a column that is changed after it was read. ASCII only.

most_cells <- 1e5 # of a page or a copy
most_lazy_rows <- 10000L # a lazy table's, which are held here, as two queries need not give rows in the same order
grids <- new.env() # comm's id to grid

# In place of IRkernel's: opens the grid in each window that shows this notebook.
view <- function(x, title) {
  expression <- substitute(x)
  name <- if (is.symbol(expression) && identical(parent.frame(), globalenv())) as.character(expression)
  is_variable <- !is.null(name) && exists(name, globalenv(), inherits = FALSE) && !bindingIsActive(expression, globalenv())
  value <- x
  if (!is_variable || !(is_lazy(value) || is_table(value))) name <- NULL
  if (!(is_lazy(value) || is_table(value))) value <- as_table(value)
  if (missing(title)) title <- paste(deparse(expression, nlines = 1L), collapse = "")
  comm <- IRkernel::comm_manager()$new_comm("rc2.grid")
  start(comm, name, if (is.null(name)) value)
  comm$open(list(title = valid(title)))
  invisible()
}

as_table <- function(value) {
  tryCatch(as.data.frame(value), error = function(condition) {
    stop("View() shows data frames, matrices, vectors and lazy tables, and no ", class(value)[[1L]], ".", call. = FALSE)
  })
}

# The browser opens a grid of a variable.
opened <- function(comm, message) start(comm, message$name, NULL)

start <- function(comm, name, value) {
  grid <- new.env()
  grid$name <- name
  grid$value <- value
  grid$told <- TRUE # that it should ask; it does when it has been opened
  assign(comm$id, grid, envir = grids)
  comm$on_close(function() rm(list = comm$id, envir = grids))
  answer_with(comm, function(message) answer(grid, message))
  grid$tell <- function() comm$send(list(changed = TRUE))
}

answer <- function(grid, message) {
  grid$told <- FALSE
  wanted <- message[c("order", "filters")] # two windows can show the same grid, each with its own
  if (!identical(wanted, grid$wanted)) forget(grid)
  grid$wanted <- wanted
  if (!is.null(message$statistics)) list(statistics = statistics(grid, message$statistics + 1))
  else if (is.null(message$rows)) describe(grid)
  else page(grid, message)
}

forget <- function(grid) grid$rows <- grid$held <- NULL

# What the grid shows around the rows: after a change of the order, the filters or the variable, and when the user asks.
describe <- function(grid) {
  forget(grid)
  value <- current(grid)
  shown <- rows_of(grid, value)
  columns <- vector("list", length(shown$table))
  for (column in seq_along(columns)) {
    values <- .subset2(shown$table, column)
    columns[[column]] <- list(
      name = valid(names(shown$table)[[column]]), type = type_of(values), kind = kind_for(value, values),
      sortable = !is.list(values) && length(dim(values)) < 2L)
  }
  is_part <- is_lazy(value) && grid$more
  list(
    columns = columns, rows = length_of_rows(shown), total = .row_names_info(shown$table, 2L),
    note = if (is_part) paste("The first", most_lazy_rows, "rows; sort or filter to see others.") else "")
}

kind_for <- function(value, column) if (is_lazy(value) && is.logical(column)) "" else kind_of(column)

page <- function(grid, message) {
  shown <- rows_of(grid, current(grid))
  rows <- span(message$rows, length_of_rows(shown))
  columns <- span(message$columns, length(shown$table))
  if (as.numeric(length(rows)) * length(columns) > most_cells) stop("At most 100000 cells are copied; select fewer.")
  rows <- if (is.null(shown$index)) rows else shown$index[rows]
  has_names <- .row_names_info(shown$table, 1L) > 0L
  names <- if (has_names) valid(attr(shown$table, "row.names")[rows]) else format(rows, trim = TRUE, scientific = FALSE)
  cells <- list()
  for (column in columns) {
    cells <- c(cells, list(I(cells_of(slice(shown$table, column, rows), length(rows), isTRUE(message$whole)))))
  }
  list(labels = I(names), cells = cells)
}

span <- function(range, count) {
  first <- range[[1L]] + 1
  seq.int(first, length.out = max(0, min(range[[2L]], count) - range[[1L]]))
}

# The value that the grid shows now.
current <- function(grid) {
  if (is.null(grid$name)) return(grid$value)
  env <- globalenv()
  value <- if (exists(grid$name, env, inherits = FALSE) && !are_unevaluated(grid$name)) env[[grid$name]]
  if (is_table(value) || is_lazy(value)) return(value)
  stop("R has no table ", grid$name, " any more.")
}

# The table, and the numbers of the rows that are shown in their order; all rows if there are no numbers.
rows_of <- function(grid, value) {
  if (is_lazy(value)) {
    if (is.null(grid$rows) || !identical(grid$held, value)) grid$rows <- ask_engine(grid, value)
    return(list(table = grid$rows))
  }
  if (!length(grid$wanted$order) && !length(grid$wanted$filters)) return(list(table = value))
  if (is_stale(grid, value)) {
    grid$rows <- indexed(grid, value)
    grid$held <- unclass(value)
  }
  list(table = value, index = grid$rows)
}

length_of_rows <- function(shown) if (is.null(shown$index)) .row_names_info(shown$table, 2L) else length(shown$index)

# A column that R has changed is another object. data.table changes columns in place.
is_stale <- function(grid, value) {
  if (is.null(grid$held) || inherits(value, "data.table") || length(grid$held) != length_of(value)) return(TRUE)
  for (column in seq_along(grid$held)) {
    if (!rlang::is_reference(.subset2(grid$held, column), .subset2(value, column))) return(TRUE)
  }
  FALSE
}

indexed <- function(grid, value) {
  index <- seq_len(.row_names_info(value, 2L))
  for (filter in grid$wanted$filters) {
    passed <- passes(.subset2(value, filter$column + 1), filter)
    index <- index[passed[index]]
  }
  if (length(grid$wanted$order)) {
    column <- .subset2(value, grid$wanted$order$column + 1)
    index <- index[order(column[index], decreasing = grid$wanted$order$descending, method = "radix")]
  }
  index
}

# Sorted and filtered by the service, whose first rows are held here.
ask_engine <- function(grid, table) {
  grid$held <- table
  table <- filtered_by_engine(grid, dplyr::ungroup(table))
  if (length(grid$wanted$order)) {
    name <- as.symbol(colnames(table)[[grid$wanted$order$column + 1]])
    key <- if (grid$wanted$order$descending) call("desc", name) else name
    table <- eval(bquote(dplyr::arrange(table, is.na(.(name)), .(key))))
  }
  rows <- as.data.frame(dplyr::collect(utils::head(table, most_lazy_rows + 1L)))
  grid$more <- nrow(rows) > most_lazy_rows
  utils::head(rows, most_lazy_rows)
}

filtered_by_engine <- function(grid, table) {
  types <- if (length(grid$wanted$filters)) dplyr::collect(utils::head(table, 0L))
  for (filter in grid$wanted$filters) {
    column <- filter$column + 1
    table <- filtered(table, as.symbol(names(types)[[column]]), types[[column]], filter)
  }
  table
}

filtered <- function(table, name, column, filter) {
  if (kind_of(column) == "text") {
    return(eval(bquote(dplyr::filter(table, grepl(.(tolower(filter$contains)), tolower(.(name)), fixed = TRUE)))))
  }
  if (nzchar(filter$from)) table <- eval(bquote(dplyr::filter(table, .(name) >= .(bound_of(filter$from, column)))))
  if (nzchar(filter$to)) table <- eval(bquote(dplyr::filter(table, .(name) <= .(bound_of(filter$to, column)))))
  table
}

# A grid asks again after a cell that may have changed its variable. One that has not asked since it was told is hidden, or
# its window is gone: it is not told again, and R keeps nothing for it.
tell_grids <- function() {
  for (id in ls(grids)) {
    grid <- grids[[id]]
    if (is.null(grid$name)) next
    if (grid$told) forget(grid)
    else if (tryCatch(may_have_changed(grid), error = function(condition) TRUE)) { # the variable is gone
      grid$told <- TRUE
      grid$tell()
    }
  }
}

may_have_changed <- function(grid) {
  value <- current(grid)
  if (is.null(grid$held)) TRUE
  else if (is_lazy(value)) !identical(grid$held, value)
  else is_stale(grid, value)
}

after_cell$grid <<- tell_grids
targets$rc2.grid <<- opened
functions$View <<- view
