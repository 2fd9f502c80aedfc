# One query over the rows of a design: how many are complete, whether a variable is infinite, and mean and spread of each
# column.

surveyed <- function(design) {
  numbers <- Filter(function(variable) variable$type == "number" && !variable$is_factor, design$variables)
  infinite <- vapply(numbers, function(variable) {
    paste0("COUNT_IF(ABS(", number_of(variable), ") = CAST('Infinity' AS DOUBLE))")
  }, "")
  columns <- design$columns$sql
  where <- paste0(" FILTER (WHERE ", design$complete, ")")
  fields <- c("COUNT(*)", paste0("COUNT_IF(", design$complete, ")"), infinite,
    paste0("AVG(", columns, ")", where, recycle0 = TRUE), paste0("STDDEV_SAMP(", columns, ")", where, recycle0 = TRUE))
  fields <- paste0("CAST(", fields, " AS DOUBLE) AS f", seq_along(fields), collapse = ", ")
  found <- unname(unlist(dbGetQuery(design$connection, paste("SELECT", fields, "FROM (", design$sql, ") AS rc2_rows"))))
  design$rows <- found[[2]]
  design$omitted <- found[[1]] - found[[2]]
  check_counts(design, found[[1]], stats::setNames(found[2 + seq_along(numbers)], vapply(numbers, `[[`, "", "name")))
  moments <- matrix(found[-seq_len(2 + length(numbers))], ncol = 2)
  moments[is.na(moments)] <- 0 # of one row
  # what rounding leaves of a constant column is no spread
  design$columns$mean <- moments[, 1]
  design$columns$spread <- ifelse(moments[, 2] <= 1e-13 * abs(moments[, 1]), 0, moments[, 2])
  design
}

check_counts <- function(design, all, infinite) {
  if (all == 0) fail("The table has no rows.")
  if (design$rows == 0) {
    names <- paste(vapply(design$variables, `[[`, "", "name"), collapse = ", ")
    fail("No row is complete: each of the ", whole_number(all), " rows has a missing value in one of ", names, ".")
  }
  if (any(infinite > 0)) {
    first <- which(infinite > 0)[[1]]
    fail(names(infinite)[[first]], " is infinite in ", whole_number(infinite[[first]]), " rows; filter them out first.")
  }
}

whole_number <- function(number) format(number, big.mark = "", scientific = FALSE)
