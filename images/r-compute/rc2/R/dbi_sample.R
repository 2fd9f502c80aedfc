# Samples of lazy tables with dplyr's names. dbplyr has slice_sample(n =) alone.

sample_methods <- function() list(slice_sample = sample_slice, sample_n = sample_count, sample_frac = sample_share)

# `by` and `n` are in `...`
sample_slice <- function(.data, ..., prop, weight_by = NULL, replace = FALSE) {
  check_plain_sample(substitute(weight_by), replace)
  if (missing(prop)) return(dbplyr_method("slice_sample", "tbl_lazy")(.data, ...))
  check_share(prop, "prop", Inf)
  random_rows(.data, ..., share = prop, whole = quote(floor))
}

sample_count <- function(tbl, size, replace = FALSE, weight = NULL, .env = NULL, ...) {
  check_plain_sample(substitute(weight), replace)
  dplyr::slice_sample(tbl, n = size)
}

sample_share <- function(tbl, size = 1, replace = FALSE, weight = NULL, .env = NULL, ...) {
  check_plain_sample(substitute(weight), replace)
  check_share(size, "size", 1)
  random_rows(tbl, share = size, whole = quote(round))
}

# Such a share of the rows of each group, of which `whole` makes a whole number.
random_rows <- function(.data, share, whole, by = NULL) {
  chosen <- bquote(row_number(runif(n())) <= .(whole)(.(share) * n()))
  if (missing(by)) dplyr::filter(.data, !!chosen) else dplyr::filter(.data, !!chosen, .by = {{ by }})
}

check_share <- function(share, name, most) {
  if (!is.numeric(share) || length(share) != 1 || is.na(share) || share < 0 || share > most) {
    fail(name, " is the share of rows, a number from 0", if (is.finite(most)) " to 1", ".")
  }
}

check_plain_sample <- function(weight, replace) {
  if (is.null(weight) && identical(replace, FALSE)) return()
  fail("A database takes no sample by weight or with replacement; sdf_sample() has replacement = TRUE in Spark, and collect() brings ",
    "the rows into R.")
}
