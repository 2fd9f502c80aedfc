# Compares the answers of a service with those of data frames.

numeric_like <- function(column) is.numeric(column) || inherits(column, c("integer64", "difftime"))

# What may differ in type: all numbers are alike, and a factor is its text.
kind_of <- function(column) {
  if (inherits(column, "POSIXct")) "time" else if (inherits(column, "Date")) "date" else if (numeric_like(column)) "number"
  else if (is.factor(column)) "character" else class(column)[[1]]
}

plain <- function(column) {
  if (inherits(column, "integer64")) bit64:::as.double.integer64(column)
  else if (is.factor(column) || is.character(column)) enc2utf8(as.character(column))
  else if (numeric_like(column) || inherits(column, c("POSIXct", "Date"))) as.numeric(column)
  else column
}

# Rows in an order that does not depend on where they come from
sorted <- function(columns) {
  keys <- lapply(columns, function(column) if (is.numeric(column)) signif(column, 9) else column)
  order <- do.call(order, c(unname(keys), list(method = "radix")))
  lapply(columns, `[`, order)
}

same <- function(expected, got) {
  if (!is.numeric(expected)) return(identical(expected, got))
  if (!identical(is.na(expected), is.na(got)) || !identical(is.nan(expected), is.nan(got))) return(FALSE)
  present <- !is.na(expected)
  off <- abs(expected[present] - got[present]) > 1e-9 * pmax(1, abs(expected[present]))
  !any(off & expected[present] != got[present], na.rm = TRUE)
}

# NULL, or how two answers differ
difference <- function(expected, got, in_order) {
  if (!identical(names(expected), names(got))) {
    return(paste0("columns ", toString(names(got)), " instead of ", toString(names(expected))))
  }
  if (nrow(expected) != nrow(got)) return(paste(nrow(got), "rows instead of", nrow(expected)))
  kinds <- vapply(expected, kind_of, "")
  found <- vapply(got, kind_of, "")
  if (any(kinds != found)) {
    at <- which(kinds != found)[[1]]
    return(paste0(names(expected)[[at]], " is a ", found[[at]], " instead of a ", kinds[[at]]))
  }
  expected <- lapply(as.list(expected), plain)
  got <- lapply(as.list(got), plain)
  if (!in_order) {
    expected <- sorted(expected)
    got <- sorted(got)
  }
  for (name in names(expected)) if (!same(expected[[name]], got[[name]])) {
    return(paste0(name, " is ", toString(got[[name]]), " instead of ", toString(expected[[name]])))
  }
}

on_data_frames <- function(pipeline) suppressWarnings(as.data.frame(ungroup(pipeline(as_tibble(measures), as_tibble(groups)))))

# One line for each pipeline whose answer on a service is another one than that of data frames, by its name
failures <- function(t, u) {
  found <- lapply(pipelines, function(pipeline) {
    expected <- on_data_frames(pipeline)
    got <- tryCatch(suppressMessages(suppressWarnings(as.data.frame(ungroup(collect(pipeline(t, u)))))), error = identity)
    if (!inherits(got, "error")) return(difference(expected, got, isTRUE(attr(pipeline, "in_order"))))
    reason <- if (is.null(got$parent)) got else got$parent
    paste("error:", substr(gsub("\\s+", " ", conditionMessage(reason)), 1, 300))
  })
  Filter(Negate(is.null), found)
}

# Prints each failure that is not a documented difference, and each documented difference that is none
check_pipelines <- function(con, engine) {
  invisible(Sys.setlocale("LC_COLLATE", "C")) # the order of text in dplyr 1.1
  t <- copy_to(con, measures, "measures_of_pipelines", overwrite = TRUE)
  u <- copy_to(con, groups, "groups_of_pipelines", overwrite = TRUE)
  found <- failures(t, u)
  documented <- names(differences[[engine]])
  for (name in setdiff(names(found), documented)) cat(engine, ": ", name, ": ", found[[name]], "\n", sep = "")
  for (name in setdiff(documented, names(found))) cat(engine, ": ", name, ": documented as different, but it is not\n", sep = "")
  cat(length(pipelines), "pipelines,", length(documented), "documented differences\n")
}
