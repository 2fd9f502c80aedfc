# Verbs of tidyr on lazy tables which dbplyr lacks, or has with another meaning of missing values.

# dbplyr's joins without missing keys, so that such a group has two rows. PostgreSQL has no full join with them.
complete_lazily <- function(data, ..., fill = list(), explicit = TRUE) {
  if (!isTRUE(explicit)) fail("complete() in a database fills in all missing values; explicit = FALSE is not to be had.")
  given <- as.list(substitute(list(...)))[-1]
  if (!all(vapply(given, function(each) is.name(each) || is.call(each) && identical(each[[1]], quote(nesting)), NA))) {
    fail("complete() in a database takes columns; full_join() with copy_to() of a data frame adds other values.")
  }
  all <- tidyr::expand(data, ...)
  if (!length(colnames(all))) return(data)
  keys <- colnames(all)
  known <- dplyr::left_join(all, data, by = keys, na_matches = "na")
  others <- dplyr::anti_join(data, all, by = keys, na_matches = "na")
  rows <- dplyr::union_all(known, dplyr::select(others, dplyr::all_of(colnames(known))))
  tidyr::replace_na(rows, replace = fill)
}

drop_na_lazily <- function(data, ...) {
  chosen <- if (...length()) dplyr::select(dplyr::ungroup(data), ...) else data
  complete <- lapply(colnames(chosen), function(name) call("!", call("is.na", as.name(name))))
  dplyr::filter(data, !!!complete)
}

use_tidyr_methods <- function(...) register_lazy_methods("tidyr", list(complete = complete_lazily, drop_na = drop_na_lazily))
