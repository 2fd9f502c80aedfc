# What the grid says of the values of one column, in the rows that pass its filters. ASCII only.

most_frequent <- 5L # values of a text that are named
quarters <- c(0, 0.25, 0.5, 0.75, 1)

# Name and text of each statistic. A lazy table's are those of all its rows, computed by the service.
statistics <- function(grid, column) {
  value <- current(grid)
  if (is_lazy(value)) return(statistics_by_engine(filtered_by_engine(grid, dplyr::ungroup(value)), colnames(value)[[column]]))
  shown <- rows_of(grid, value)
  values <- .subset2(shown$table, column)
  if (length(dim(values)) == 2L) stop("A matrix in a column has no statistics.")
  if (!is.null(shown$index)) values <- as_user$subset(values, shown$index)
  missing <- is.na(values)
  found <- list(statistic("missing", sum(missing)))
  values <- as_user$subset(values, !missing)
  if (!length(values)) return(found)
  c(found, switch(kind_of(values), range = statistics_of_range(values), text = statistics_of_texts(values), list()))
}

statistics_of_range <- function(values) {
  type <- if (is.integer(values) || inherits(values, c("Date", "integer64"))) 1L else 7L # a value that is there, or between two
  points <- if (inherits(values, "integer64")) sort(values)[pmax(1, ceiling(quarters * length(values)))]
  else stats::quantile(values, quarters, names = FALSE, type = type)
  c(Map(statistic, c("minimum", "1st quartile", "median", "3rd quartile", "maximum"), texts_of(points, FALSE), USE.NAMES = FALSE),
    if (is.numeric(values) && !inherits(values, "difftime")) mean_and_deviation(mean(values), stats::sd(as.numeric(values))))
}

mean_and_deviation <- function(mean, deviation) {
  list(statistic("mean", plain_texts(as.numeric(mean))), statistic("standard deviation", plain_texts(as.numeric(deviation))))
}

statistics_of_texts <- function(values) {
  values <- as.character(values)
  distinct <- unique(values)
  counts <- tabulate(match(values, distinct), length(distinct))
  statistics_of_counts(distinct, counts, length(distinct))
}

statistics_of_counts <- function(values, counts, distinct) {
  first <- utils::head(order(-counts, values, method = "radix"), most_frequent)
  c(list(statistic("different values", distinct)),
    Map(statistic, clipped(valid(as.character(values[first])), FALSE), counts[first], USE.NAMES = FALSE))
}

statistics_by_engine <- function(table, column) {
  name <- as.symbol(column)
  kind <- kind_of(dplyr::collect(utils::head(dplyr::select(table, dplyr::all_of(column)), 0L))[[1L]])
  missing <- eval(bquote(dplyr::summarise(table, n = sum(ifelse(is.na(.(name)), 1, 0), na.rm = TRUE))))
  found <- list(statistic("missing", max(0, dplyr::pull(missing, n), na.rm = TRUE)))
  table <- eval(bquote(dplyr::filter(table, !is.na(.(name)))))
  c(found, switch(kind, range = range_by_engine(table, name), text = texts_by_engine(table, name), list()))
}

range_by_engine <- function(table, name) {
  ends <- eval(bquote(dplyr::summarise(table, low = min(.(name), na.rm = TRUE), high = max(.(name), na.rm = TRUE))))
  ends <- dplyr::collect(ends)
  if (is.na(ends$low)) return(list())
  c(list(statistic("minimum", texts_of(ends$low, FALSE)), statistic("maximum", texts_of(ends$high, FALSE))),
    if (is.numeric(ends$low) && !inherits(ends$low, "difftime")) {
      found <- eval(bquote(dplyr::summarise(table, m = mean(.(name), na.rm = TRUE), s = sd(.(name), na.rm = TRUE))))
      do.call(mean_and_deviation, unname(as.list(dplyr::collect(found))))
    })
}

texts_by_engine <- function(table, name) {
  counts <- eval(bquote(dplyr::count(table, .(name), name = "n")))
  distinct <- dplyr::pull(dplyr::summarise(counts, n = dplyr::n()), n)
  first <- dplyr::collect(utils::head(dplyr::arrange(counts, dplyr::desc(n)), most_frequent))
  statistics_of_counts(first[[1L]], as.numeric(first$n), as.numeric(distinct))
}

statistic <- function(name, value) {
  text <- if (is.numeric(value)) format(as.numeric(value), big.mark = "\u202f", trim = TRUE, scientific = FALSE) else value
  list(name = name, value = text)
}
