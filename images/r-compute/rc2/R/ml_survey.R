# One query over the rows of a design: how many are complete, and the least and greatest value of each variable and column.

surveyed <- function(design) {
  numbers <- Filter(function(variable) variable$type == "number" && !variable$is_factor, design$variables)
  values <- c(vapply(numbers, number_of, ""), design$columns$sql)
  different <- unique(values)
  names <- paste0("v", seq_along(different), recycle0 = TRUE)
  fields <- c("COUNT(*)", "COUNT_IF(rc2_complete)",
    paste0(c("MIN(", "MAX("), rep(names, each = 2), ") FILTER (WHERE rc2_complete)", recycle0 = TRUE))
  rows <- paste("SELECT", paste(c(design$complete, different), "AS", c("rc2_complete", names), collapse = ", "), "FROM (",
    design$sql, ") AS rc2_rows")
  found <- numbers_of_query(design, fields, rows)
  design$rows <- found[[2]]
  design$omitted <- found[[1]] - found[[2]]
  ends <- matrix(found[-(1:2)], ncol = 2, byrow = TRUE)[match(values, different), , drop = FALSE]
  is_variable <- seq_along(values) <= length(numbers)
  check_counts(design, found[[1]])
  check_no_infinite(design, numbers[rowSums(is.infinite(ends[is_variable, , drop = FALSE])) > 0])
  design$columns$least <- ends[!is_variable, 1]
  design$columns$greatest <- ends[!is_variable, 2]
  design
}

# The only row of a query on `rows`.
numbers_of_query <- function(design, fields, rows) {
  fields <- paste0("CAST(", fields, " AS DOUBLE) AS f", seq_along(fields), collapse = ", ")
  unname(unlist(dbGetQuery(design$connection, paste("SELECT", fields, "FROM (", rows, ") AS rc2_values"))))
}

complete_rows <- function(design) paste("SELECT * FROM (", design$sql, ") AS rc2_rows WHERE", design$complete)

# Mean and standard deviation of each column, for those who need them: they take longer than all else of the survey.
with_moments <- function(design) {
  if (!nrow(design$columns)) return(design)
  names <- paste0("rc2_x", seq_len(nrow(design$columns)))
  moments <- numbers_of_query(design, c(paste0("AVG(", names, ")"), paste0("STDDEV_SAMP(", names, ")")), design_sql(design))
  moments <- matrix(moments, ncol = 2)
  moments[is.na(moments)] <- 0 # of one row
  # what rounding leaves of a constant column is no spread
  design$columns$mean <- moments[, 1]
  design$columns$spread <- ifelse(moments[, 2] <= 1e-13 * abs(moments[, 1]), 0, moments[, 2])
  design
}

check_counts <- function(design, all) {
  if (all == 0) fail("The table has no rows.")
  if (design$rows == 0) {
    names <- paste(vapply(design$variables, `[[`, "", "name"), collapse = ", ")
    fail("No row is complete: each of the ", whole_number(all), " rows has a missing value in one of ", names, ".")
  }
}

check_no_infinite <- function(design, infinite) {
  if (!length(infinite)) return()
  first <- infinite[[1]]
  count <- numbers_of_query(design, paste0("COUNT_IF(ABS(", number_of(first), ") = CAST('Infinity' AS DOUBLE))"),
    complete_rows(design))
  fail(first$name, " is infinite in ", whole_number(count), " rows; filter them out first.")
}

whole_number <- function(number) format(number, big.mark = "", scientific = FALSE)
