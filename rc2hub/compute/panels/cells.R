# The texts of the grid's cells, and what a column can be sorted and filtered by. A column whose methods fail shows its
# error in the cells. ASCII only.

most_characters <- 200L # of a cell that is shown; what is copied is whole
most_seconds <- 2 # for the cells of a column on a page, as its methods may never end

# Some rows of a column.
slice <- function(table, column, rows) {
  values <- .subset2(table, column)
  if (length(dim(values)) == 2L) values[rows, , drop = FALSE] else as_user$subset(values, rows)
}

# R looks for the methods that the user has defined from where a function is called.
as_user <- list(subset = function(values, rows) values[rows], format = function(values) base::format(values))
for (name in names(as_user)) environment(as_user[[name]]) <- globalenv()

# The texts of values, NA where one is missing. What slice() does is done within, as its methods can fail, too.
cells_of <- function(values, count, whole = FALSE) {
  tryCatch(
    clipped(valid_or_missing(in_time(texts_of(values, whole)), count), whole),
    error = function(condition) rep(clipped(valid(paste0("<", conditionMessage(condition), ">")), FALSE), count))
}

in_time <- function(expression) {
  on.exit(setTimeLimit())
  setTimeLimit(elapsed = most_seconds, transient = TRUE)
  expression
}

texts_of <- function(values, whole) {
  if (length(dim(values)) == 2L) return(apply(format(as.matrix(values)), 1L, paste, collapse = ", "))
  if (is.factor(values) || is.character(values)) return(as.character(values))
  if (is.list(values)) return(vapply(values, element_text, ""))
  texts <- if (is.object(values)) as_user$format(values) else if (whole) as.character(values) else plain_texts(values)
  texts[is.na(values)] <- NA_character_
  if (is.double(values) && !is.object(values)) texts[is.nan(values)] <- "NaN"
  trimws(texts)
}

# A number is written the same on each page, which format() does not do: it has as many decimals for all as one needs.
plain_texts <- function(values) {
  if (!is.double(values)) return(as.character(values))
  size <- abs(values)
  is_usual <- is.na(values) | size == 0 | (size >= 1e-4 & size < 1e15)
  texts <- formatC(values, digits = 7L, format = "fg", width = 1L)
  texts[!is_usual] <- formatC(values[!is_usual], digits = 7L, format = "g", width = 1L)
  texts
}

element_text <- function(value) {
  if (is.null(value)) return("NULL")
  text <- if (is.atomic(value) && length(value) == 1L) as.character(value) else beginning(value)
  if (is.na(text)) "NA" else if (nzchar(text)) text else paste0("<", class(value)[[1L]], ">")
}

valid_or_missing <- function(texts, count) {
  if (length(texts) != count) stop("format() gives another number of texts")
  missing <- is.na(texts)
  texts <- valid(texts)
  texts[missing] <- NA_character_
  texts
}

clipped <- function(texts, whole) {
  long <- !whole & !is.na(texts) & nchar(texts) > most_characters
  if (any(long)) texts[long] <- paste0(substr(texts[long], 1L, most_characters), "\u2026")
  texts
}

# How a column can be filtered: by a text in it, by a range, or not at all.
kind_of <- function(column) {
  if (length(dim(column)) == 2L) return("")
  if (is.character(column) || is.factor(column) || is.logical(column)) return("text")
  is_ordered <- is.numeric(column) || inherits(column, c("Date", "POSIXct", "difftime", "integer64"))
  if (is_ordered) "range" else ""
}

# The value at an end of a range, as the user wrote it; `column` is one of that class without values.
bound_of <- function(text, column) {
  value <- tryCatch(
    if (inherits(column, "Date")) as.Date(text)
    else if (inherits(column, "POSIXct")) as.POSIXct(text, tz = c(attr(column, "tzone"), "")[[1L]])
    else suppressWarnings(as.numeric(text)),
    error = function(condition) NA)
  kind <- if (inherits(column, "Date")) "date" else if (inherits(column, "POSIXct")) "time" else "number"
  if (is.na(value)) stop("\u201c", text, "\u201d is no ", kind, ".")
  value
}

# Which rows of a column pass a filter; a missing value passes none.
passes <- function(column, filter) {
  if (kind_of(column) == "text") {
    texts <- if (is.factor(column)) levels(column) else as.character(column)
    found <- grepl(tolower(valid(filter$contains)), tolower(valid(texts)), fixed = TRUE) & !is.na(texts)
    return(if (is.factor(column)) !is.na(column) & found[column] else found)
  }
  passed <- !is.na(column)
  none <- column[0L]
  if (inherits(column, "difftime")) column <- as.numeric(column)
  if (nzchar(filter$from)) passed <- passed & column >= bound_of(filter$from, none)
  if (nzchar(filter$to)) passed <- passed & column <= bound_of(filter$to, none)
  passed
}
