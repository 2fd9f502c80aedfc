# Families and links of generalized linear models: their names in Spark, and their functions in SQL.

LINKS_OF <- list(gaussian = c("identity", "log", "inverse"), binomial = c("logit", "probit", "cloglog"),
  poisson = c("log", "identity", "sqrt"), gamma = c("inverse", "log", "identity"))

# `family` is a name, or R's own, such as binomial or poisson(link = "sqrt").
family_of <- function(family, link = NULL, variance_power = 0, link_power = NULL) {
  if (is.function(family)) family <- family()
  if (inherits(family, "family")) {
    link <- if (is.null(link)) family$link else link
    family <- family$family
  }
  family <- tolower(family)
  if (identical(family, "tweedie")) return(tweedie_family(variance_power, link_power))
  if (!family %in% names(LINKS_OF)) {
    fail("Spark has no family ", family, "; it has ", paste(names(LINKS_OF), collapse = ", "), " and tweedie.")
  }
  links <- LINKS_OF[[family]]
  if (is.null(link)) link <- links[[1]]
  if (!link %in% links) {
    fail("The family ", family, " has no link ", link, " in Spark; it has ", paste(links, collapse = ", "), ".")
  }
  is_discrete <- family %in% c("binomial", "poisson")
  list(family = family, link = link, options = list(family = family, link = link), has_z = is_discrete)
}

tweedie_family <- function(variance_power, link_power) {
  if (is.null(link_power)) link_power <- 1 - variance_power
  list(family = "tweedie", link = paste0("mu^", link_power), link_power = link_power, variance_power = variance_power,
    has_z = FALSE, options = list(family = "tweedie", variancePower = variance_power, linkPower = link_power))
}

# The mean in SQL, of the linear predictor in SQL.
mean_sql <- function(family, eta) {
  if (family$family == "tweedie") {
    if (family$link_power == 0) return(paste0("EXP(", eta, ")"))
    return(paste0("POWER(", eta, ", ", double_sql(1 / family$link_power), ")"))
  }
  switch(family$link,
    identity = eta,
    log = paste0("EXP(", eta, ")"),
    inverse = paste0("1D / NULLIF(", eta, ", 0)"),
    sqrt = paste0("POWER(", eta, ", 2)"),
    logit = paste0("1D / (1D + EXP(-(", eta, ")))"),
    cloglog = paste0("1D - EXP(-EXP(", eta, "))"),
    probit = normal_sql(eta))
}

# The distribution function of the normal distribution, which Spark's SQL lacks: Hart's rational approximation (Computer
# Approximations, 1968, no. 5666), and a continued fraction beyond it. It has 14 digits.
NORMAL_ABOVE <- c(3.52624965998911e-2, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871,
  221.213596169931, 220.206867912376)
NORMAL_BELOW <- c(8.83883476483184e-2, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674,
  637.333633378831, 793.826512519948, 440.413735824752)

normal_sql <- function(x) {
  x <- paste0("(", x, ")")
  size <- paste0("ABS", x)
  polynomial <- function(coefficients) Reduce(function(sum, next_one) paste0("(", sum, " * ", size, " + ", next_one, ")"),
    vapply(coefficients, double_sql, ""))
  fraction <- paste0("(", size, " + 0.65D)")
  for (above in 4:1) fraction <- paste0("(", size, " + ", above, "D / ", fraction, ")")
  tail <- paste0("EXP(-", x, " * ", x, " / 2D) * CASE WHEN ", size, " < 7.07106781186547D THEN ", polynomial(NORMAL_ABOVE),
    " / ", polynomial(NORMAL_BELOW), " ELSE 1D / (", fraction, " * 2.506628274631D) END")
  paste0("CASE WHEN ", x, " > 0 THEN 1D - ", tail, " ELSE ", tail, " END")
}
