# Pictures of models by ggplot2: plot() draws them, and autoplot() gives them to change. Only a sample of many rows comes to
# R.

MOST_POINTS <- 2000

plot.rc2_spark_model <- function(x, ...) {
  if (!requireNamespace("ggplot2", quietly = TRUE)) {
    fail("plot() needs the R package ggplot2; an operator has to install it.")
  }
  picture <- picture_of(x, ...)
  print(picture)
  invisible(picture)
}

use_plot_methods <- function(...) {
  if (!isNamespaceLoaded("ggplot2")) return()
  registerS3method("autoplot", "rc2_spark_model", function(object, ...) picture_of(object, ...),
    envir = asNamespace("ggplot2"))
}

picture_of <- function(model, ...) UseMethod("picture_of")

picture_of.default <- function(model, ...) {
  fail("There is no picture of this model; predict() gives its rows for one of yours.")
}

picture_of.rc2_linear_model <- function(model, ...) {
  if (length(model$event)) {
    return(roc_picture(model, rows_of_fit(model, c(rc2_p = "rc2_mean", rc2_event = "rc2_y"))))
  }
  values <- c(rc2_fitted = "rc2_mean", rc2_residual = residual_sql(model$family, "response"))
  residual_picture(model, rows_of_fit(model, values))
}

picture_of.rc2_held_model <- function(model, ...) {
  if ("importance" %in% names(model$table)) return(importance_picture(model))
  if (model$method$response == "none") return(cluster_picture(model, ...))
  if (length(model$event)) return(roc_picture(model, held_rows(model, "response")))
  if (model$method$response == "number") return(residual_picture(model, held_rows(model, NULL)))
  NextMethod()
}

# The rows of the fit with the prediction, and the response as a number
held_rows <- function(model, type) {
  table <- predict.rc2_held_model(model, type = type)
  response <- response_of(model)
  prediction <- as.name("prediction")
  if (is.null(type)) {
    return(dplyr::transmute(table, rc2_fitted = !!prediction, rc2_residual = !!response$call - !!prediction))
  }
  dplyr::transmute(table, rc2_p = !!prediction, rc2_event = as.integer(!!response$call == !!response$values[[2]]))
}

title_of <- function(model) paste(strwrap(formula_text(model), 50), collapse = "\n")

at <- function(...) do.call(ggplot2::aes, lapply(list(...), as.name))

# At most MOST_POINTS rows, always the same
some_rows <- function(table, columns, rows) {
  table <- dplyr::select(table, dplyr::all_of(columns))
  if (rows > MOST_POINTS) table <- sdf_sample(table, MOST_POINTS / rows, replacement = FALSE, seed = 1)
  as.data.frame(stats::na.omit(dplyr::collect(table)))
}

residual_picture <- function(model, table) {
  rows <- some_rows(table, c("rc2_fitted", "rc2_residual"), model$design$rows)
  ggplot2::ggplot(rows, at(x = "rc2_fitted", y = "rc2_residual")) + ggplot2::geom_hline(yintercept = 0, colour = "grey60") +
    ggplot2::geom_point(alpha = 0.6) + ggplot2::labs(title = title_of(model), x = "fitted", y = "residual")
}

# Share of the events, and of the other rows, whose probability is above each value. Of many rows, in steps of 0.001.
roc_points <- function(model, table) {
  p <- if (model$design$rows > MOST_POINTS) "ROUND(rc2_p, 3)" else "rc2_p"
  found <- dbGetQuery(model$design$connection, paste("SELECT", p, "AS p, CAST(SUM(rc2_event) AS DOUBLE) AS events,",
    "CAST(COUNT(*) AS DOUBLE) AS rows FROM (", rows_of(table), ") AS rc2_rows",
    "WHERE rc2_p IS NOT NULL AND rc2_event IS NOT NULL GROUP BY 1 ORDER BY 1 DESC"))
  data.frame(false = c(0, cumsum(found$rows - found$events) / sum(found$rows - found$events)),
    true = c(0, cumsum(found$events) / sum(found$events)))
}

roc_picture <- function(model, table) {
  points <- roc_points(model, table)
  area <- sum(diff(points$false) * (utils::head(points$true, -1) + points$true[-1]) / 2)
  ggplot2::ggplot(points, at(x = "false", y = "true")) + ggplot2::geom_abline(colour = "grey60") + ggplot2::geom_line() +
    ggplot2::coord_equal() + ggplot2::labs(title = title_of(model),
      subtitle = sprintf("area under the curve: %.3f", area), x = "false positive rate", y = "true positive rate")
}

importance_picture <- function(model) {
  table <- utils::head(model$table, 20)
  table$feature <- factor(table$feature, levels = rev(table$feature))
  ggplot2::ggplot(table, at(x = "importance", y = "feature")) + ggplot2::geom_col() +
    ggplot2::labs(title = title_of(model), y = NULL)
}

# One model: the clusters in the plane of two columns, or of the first two principal components of more. Several models: the
# cost of each, whose elbow shows how many clusters there are.
cluster_picture <- function(model, ...) {
  others <- list(...)
  if (length(others)) return(elbow_picture(c(list(model), others)))
  table <- transformed(model, NULL)
  width <- nrow(model$design$columns)
  if (width < 2) fail("A picture of clusters needs two columns or more.")
  columns <- paste0("rc2_x", seq_len(width))
  rows <- with_columns(table, table$sql, c(list(rc2_cluster = "CASE WHEN rc2_known THEN rc2_prediction END"),
    stats::setNames(as.list(columns), columns)))
  rows <- some_rows(rows, c("rc2_cluster", columns), model$design$rows)
  centers <- stats::setNames(model$centers, columns)
  plane <- if (width > 2) stats::prcomp(rows[columns])
  points <- data.frame(plane_of(rows[columns], plane), cluster = factor(rows$rc2_cluster))
  names <- if (width > 2) c("PC1", "PC2") else model$design$columns$name
  ggplot2::ggplot(points, at(x = "x", y = "y")) + ggplot2::geom_point(at(colour = "cluster"), alpha = 0.6) +
    ggplot2::geom_point(data = plane_of(centers, plane), shape = 4, size = 4, stroke = 1.5) +
    ggplot2::labs(title = title_of(model), x = names[[1]], y = names[[2]])
}

plane_of <- function(rows, plane) {
  if (!is.null(plane)) rows <- stats::predict(plane, rows)
  data.frame(x = rows[, 1], y = rows[, 2])
}

elbow_picture <- function(models) {
  costs <- lapply(models, function(model) model$summary$cost)
  if (any(lengths(costs) == 0)) fail("An elbow is of models of ml_kmeans() or ml_bisecting_kmeans().")
  costs <- data.frame(k = vapply(models, function(model) model$summary$k, 0L), cost = unlist(costs))
  ggplot2::ggplot(costs, at(x = "k", y = "cost")) + ggplot2::geom_line() + ggplot2::geom_point() +
    ggplot2::scale_x_continuous(breaks = costs$k) +
    ggplot2::labs(title = title_of(models[[1]]), x = "number of clusters", y = "sum of squares within clusters")
}

# The rows in the plane of the first two components, with the columns as arrows; or the share of each component.
picture_of.ml_pca <- function(model, type = c("plane", "variance"), ...) {
  type <- match.arg(type)
  if (type == "variance" || model$k < 2) return(variance_picture(model))
  rows <- stats::setNames(some_rows(predict.ml_pca(model), colnames(model$pc)[1:2], model$design$rows), c("x", "y"))
  scale <- max(abs(rows)) / max(abs(model$pc[, 1:2]))
  arrows <- data.frame(x = model$pc[, 1] * scale, y = model$pc[, 2] * scale, name = rownames(model$pc))
  labels <- sprintf("%s (%.0f %% of the variance)", colnames(model$pc)[1:2], 100 * model$explained_variance[1:2])
  ggplot2::ggplot(rows, at(x = "x", y = "y")) + ggplot2::geom_point(alpha = 0.6) +
    ggplot2::geom_segment(do.call(ggplot2::aes, list(x = 0, y = 0, xend = as.name("x"), yend = as.name("y"))), arrows,
      arrow = ggplot2::arrow(length = ggplot2::unit(0.2, "cm")), colour = "firebrick") +
    ggplot2::geom_text(at(label = "name"), arrows, colour = "firebrick", vjust = -0.5) +
    ggplot2::scale_x_continuous(expand = ggplot2::expansion(0.15)) + # for the names
    ggplot2::labs(title = title_of(model), x = labels[[1]], y = labels[[2]])
}

variance_picture <- function(model) {
  names <- names(model$explained_variance)
  shares <- data.frame(component = factor(names, levels = names), share = model$explained_variance)
  ggplot2::ggplot(shares, at(x = "component", y = "share")) + ggplot2::geom_col() +
    ggplot2::labs(title = title_of(model), x = NULL, y = "share of the variance")
}

# The most frequent words of each topic
picture_of.ml_lda <- function(model, n = 8, ...) {
  words <- ml_describe_topics(model, n)
  words$order <- factor(seq_len(nrow(words)), levels = rev(seq_len(nrow(words))))
  ggplot2::ggplot(words, at(x = "beta", y = "order")) + ggplot2::geom_col() +
    ggplot2::scale_y_discrete(labels = stats::setNames(words$term, words$order)) +
    ggplot2::facet_wrap("topic", scales = "free_y", labeller = ggplot2::label_both) +
    ggplot2::labs(title = title_of(model), x = "share of the topic", y = NULL)
}
