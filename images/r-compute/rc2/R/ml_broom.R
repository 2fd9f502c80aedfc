# broom's verbs, whose generics are in the package generics: registered when it is loaded.

use_broom_methods <- function(...) {
  if (!"generics" %in% loadedNamespaces()) return()
  methods <- list(
    rc2_linear_model = list(tidy = tidy_model, glance = glance_model, augment = augment_model),
    rc2_held_model = list(tidy = tidy_held, glance = glance_held, augment = augment_held),
    rc2_multinomial_model = list(tidy = tidy_by_class, glance = glance_by_class, augment = augment_by_class),
    rc2_one_vs_rest_model = list(tidy = tidy_by_class, glance = glance_by_class, augment = augment_by_class),
    ml_als = list(tidy = tidy_als, glance = glance_als, augment = augment_als),
    ml_fpgrowth = list(tidy = tidy_fpgrowth, glance = glance_fpgrowth, augment = augment_fpgrowth),
    ml_lda = list(tidy = tidy_lda, glance = glance_lda, augment = augment_lda),
    ml_pca = list(tidy = tidy_pca, glance = glance_pca, augment = augment_pca))
  for (class in names(methods)) {
    for (verb in names(methods[[class]])) {
      registerS3method(verb, class, methods[[class]][[verb]], envir = asNamespace("generics"))
    }
  }
}

tidy_model <- function(x, conf.int = FALSE, conf.level = 0.95, ...) {
  table <- coefficient_table(x)
  found <- data.frame(term = names(x$coefficients), estimate = unname(x$coefficients))
  if (ncol(table) == 1) return(dplyr::as_tibble(found))
  rows <- match(found$term, rownames(table))
  found[c("std.error", "statistic", "p.value")] <- as.data.frame(table[rows, 2:4, drop = FALSE], row.names = seq_along(rows))
  if (conf.int) {
    share <- 1 - (1 - conf.level) / 2
    width <- found$std.error * if (x$family$has_z) stats::qnorm(share) else stats::qt(share, x$df.residual)
    found[c("conf.low", "conf.high")] <- list(found$estimate - width, found$estimate + width)
  }
  dplyr::as_tibble(found)
}

glance_model <- function(x, ...) {
  fit <- x$summary
  names(fit) <- c(r2 = "r.squared", root_mean_squared_error = "rmse", null_deviance = "null.deviance", aic = "AIC",
    deviance = "deviance", dispersion = "dispersion", num_iterations = "iterations")[names(fit)]
  dplyr::as_tibble(c(fit[!is.na(names(fit))], list(df.residual = x$df.residual, nobs = x$design$rows)))
}

# The rows of the fit, or other ones, with .fitted, and for the rows of the fit also .resid.
augment_model <- function(x, data = NULL, newdata = NULL, ...) {
  if (is.null(newdata)) return(rows_of_fit(x, c(.fitted = "rc2_mean", .resid = residual_sql(x$family, "response"))))
  dplyr::rename(predict.rc2_linear_model(x, newdata, type = "response"), .fitted = "prediction")
}

tidy_held <- function(x, ...) dplyr::as_tibble(x$table)

glance_held <- function(x, ...) dplyr::as_tibble(c(x$summary, list(nobs = x$design$rows)))

# With sparklyr's name of the column
augment_held <- function(x, data = NULL, newdata = NULL, ...) {
  rows <- if (is.null(newdata)) data else newdata
  dplyr::rename_with(predict.rc2_held_model(x, rows), function(name) x$method$augmented, .cols = "prediction")
}
