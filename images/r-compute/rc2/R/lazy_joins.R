# semi_join() and anti_join() of lazy tables with na_matches = "na", which dbplyr 2.3 takes and ignores.

filtering_joins <- function() list(semi_join = filtering_join("semi_join"), anti_join = filtering_join("anti_join"))

# dbplyr with join_by() of dplyr 1.1 knows missing keys.
filtering_join <- function(verb) function(x, y, by = NULL, ..., na_matches = c("never", "na")) {
  join <- dbplyr_method(verb, "tbl_lazy")
  if (na_matches[[1]] != "na" || inherits(by, "dplyr_join_by")) return(join(x, y, by = by, ..., na_matches = na_matches[[1]]))
  if (is.null(by)) by <- intersect(colnames(x), colnames(y))
  if (!length(by)) fail(verb, "() needs a column that both tables have, or by.")
  con <- dbplyr::remote_con(x)
  left <- if (is.null(names(by))) by else ifelse(nzchar(names(by)), names(by), by)
  side <- function(table, names) dbplyr::sql(paste0(dbQuoteIdentifier(con, table), ".", dbQuoteIdentifier(con, names)))
  same <- vapply(seq_along(by), function(i) {
    as.character(dbplyr::sql_expr_matches(con, side("LHS", left[[i]]), side("RHS", by[[i]])))
  }, "")
  join(x, y, ..., sql_on = paste(same, collapse = " AND "))
}
