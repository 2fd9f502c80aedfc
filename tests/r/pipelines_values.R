# Pipelines with numbers, conversions and logic.

pipelines <- c(pipelines, list(
  # numbers
  "an integer divided by an integer" = function(t, u) t %>% transmute(id, r = i / j),
  "integer literals divided" = function(t, u) t %>% transmute(id, r = i / 2L),
  "division by zero" = function(t, u) t %>% transmute(id, r = x / z),
  "zero by zero is NaN" = function(t, u) t %>% filter(id == 1L) %>% transmute(r = z / z),
  "an integer divided by zero" = function(t, u) t %>% transmute(id, r = i / z),
  "division by a literal zero" = function(t, u) t %>% transmute(id, r = x / 0),
  "nested division" = function(t, u) t %>% transmute(id, r = i / j / p),
  "a ratio of sums" = function(t, u) t %>% transmute(id, r = (i + 1L) / (z + 1)),
  "modulo by zero is NA" = function(t, u) t %>% transmute(id, r = x %% z),
  "modulo has the sign of the divisor" = function(t, u) t %>% filter(id != 11L) %>% transmute(id, r = i %% j),
  "modulo by a positive literal" = function(t, u) t %>% transmute(id, r = i %% 3L),
  "modulo by a negative literal" = function(t, u) t %>% transmute(id, r = i %% -3L),
  "modulo of doubles" = function(t, u) t %>% transmute(id, r = x %% 2),
  "modulo of a double by a double" = function(t, u) t %>% transmute(id, r = x %% 0.75),
  "whole division" = function(t, u) t %>% transmute(id, r = i %/% j),
  "whole division by a literal" = function(t, u) t %>% transmute(id, r = i %/% 2L, q = i %/% 100),
  "whole division of doubles" = function(t, u) t %>% transmute(id, r = x %/% 2),
  "addition of integers" = function(t, u) t %>% filter(id != 11L) %>% transmute(id, r = i + j),
  "an integer that overflows in addition" = function(t, u) t %>% transmute(id, r = i + j),
  "an integer that overflows in multiplication" = function(t, u) t %>% transmute(id, r = i * 1000L),
  "an integer times a double does not overflow" = function(t, u) t %>% transmute(id, r = i * 1000),
  "an integer plus a double" = function(t, u) t %>% filter(id != 11L) %>% transmute(id, r = i + 1, q = i - 1.5),
  "negative numbers" = function(t, u) t %>% transmute(id, r = -i, q = -x, m = -(x - 1)),
  "powers" = function(t, u) t %>% transmute(id, r = x^2, q = 2^j),
  "zero to a negative power" = function(t, u) t %>% transmute(id, r = z^-1, q = x^0.5),
  "exp of a large number" = function(t, u) t %>% filter(id == 10L) %>% transmute(r = exp(x)),
  "NaN is not missing" = function(t, u) t %>% filter(id == 1L) %>% transmute(r = is.na(z / z)),
  "a round number as text" = function(t, u) t %>% filter(id == 14L) %>% transmute(r = as.character(x)),
  "the greatest of nothing" = function(t, u) t %>% filter(id == 6L) %>% summarise(r = max(x, na.rm = TRUE)),
  "an integer squared" = function(t, u) t %>% transmute(id, r = i^2L),
  "precedence" = function(t, u) t %>% transmute(id, r = (x + z) * p, q = x - (z - p), m = -(x + z)^2),
  "rounding of halves" = function(t, u) t %>% transmute(id, r = round(x)),
  "rounding to digits" = function(t, u) t %>% transmute(id, r = round(x, 2), q = round(x, 1)),
  "rounding to hundreds" = function(t, u) t %>% transmute(id, r = round(x, -2), q = round(i, -1)),
  "rounding of a mean" = function(t, u) t %>% group_by(g) %>% summarise(r = round(mean(x, na.rm = TRUE), 1)),
  "floor and ceiling" = function(t, u) t %>% transmute(id, r = floor(x), q = ceiling(x), k = floor(i)),
  "trunc" = function(t, u) t %>% transmute(id, r = trunc(x)),
  "sign and abs" = function(t, u) t %>% transmute(id, r = sign(x), q = abs(x), k = abs(i)),
  "square roots" = function(t, u) t %>% transmute(id, r = sqrt(p), q = sqrt(abs(x))),
  "the square root of a negative number" = function(t, u) t %>% transmute(id, r = sqrt(x)),
  "logarithms" = function(t, u) t %>% transmute(id, r = log(p), q = log10(p), k = log2(p), l = log(p, 3)),
  "the logarithm of zero and less" = function(t, u) t %>% transmute(id, r = log(x), q = log(z)),
  "log1p and exp" = function(t, u) t %>% filter(x < 100) %>% transmute(id, r = log1p(p), q = exp(x)),
  "trigonometry" = function(t, u) t %>% transmute(id, r = sin(x), q = cos(x), k = atan2(x, p)),
  "pmin and pmax" = function(t, u) t %>% transmute(id, r = pmin(x, z), q = pmax(x, z)),
  "pmin and pmax without missing values" = function(t, u) {
    t %>% transmute(id, r = pmin(x, z, na.rm = TRUE), q = pmax(x, z, p, na.rm = TRUE))
  },
  "pmax with a literal" = function(t, u) t %>% transmute(id, r = pmax(x, 0)),
  "bits" = function(t, u) {
    t %>% filter(i >= 0L) %>% transmute(id, a = bitwAnd(i, 6L), o = bitwOr(i, 6L), x = bitwXor(i, 6L))
  },
  "many digits of a literal" = function(t, u) {
    t %>% transmute(id, r = x + 0.1234567890123456, q = p * 0.30000000000000004)
  },
  "comparison with a literal of many digits" = function(t, u) t %>% filter(x * 2 == 5.35) %>% select(id),
  "is.nan and is.finite" = function(t, u) {
    t %>% filter(!is.na(x), !is.na(z)) %>% mutate(r = x / z) %>%
      transmute(id, a = is.nan(r), b = is.finite(r), c = is.infinite(r))
  },
  "near" = function(t, u) t %>% transmute(id, r = near(x, 0.5)),

  # conversions
  "text as a number" = function(t, u) t %>% transmute(id, r = as.numeric(v)),
  "text as an integer" = function(t, u) t %>% transmute(id, r = as.integer(v)),
  "a double as an integer" = function(t, u) t %>% transmute(id, r = as.integer(x)),
  "a logical as a number" = function(t, u) t %>% transmute(id, r = as.integer(f), q = as.numeric(f)),
  "an integer as text" = function(t, u) t %>% filter(id != 12L) %>% transmute(id, r = as.character(i)),
  "a double as text" = function(t, u) t %>% filter(p < 1e5) %>% transmute(id, r = as.character(p)),
  "a logical as text" = function(t, u) t %>% transmute(id, r = as.character(f)),
  "a date as text" = function(t, u) t %>% transmute(id, r = as.character(d)),
  "text as a date" = function(t, u) t %>% mutate(r = as.character(d)) %>% transmute(id, r = as.Date(r)),
  "text as a logical" = function(t, u) t %>% transmute(id, r = as.logical(v)),
  "a number as a logical" = function(t, u) t %>% transmute(id, r = as.logical(i), q = as.logical(z)),
  "an integer as a double" = function(t, u) t %>% transmute(id, r = as.numeric(i), q = as.double(j)),

  # logic and missing values
  "filter by equality" = function(t, u) t %>% filter(g == "a"),
  "filter by inequality leaves out missing values" = function(t, u) t %>% filter(g != "a"),
  "filter by several conditions" = function(t, u) t %>% filter(x > 0, i > 0 | f),
  "filter by a logical" = function(t, u) t %>% filter(f),
  "filter by not" = function(t, u) t %>% filter(!f),
  "filter missing values" = function(t, u) t %>% filter(is.na(g) | is.na(x)),
  "%in% is FALSE for a missing value" = function(t, u) t %>% transmute(id, r = g %in% c("a", "b")),
  "%in% with a missing value in the list" = function(t, u) t %>% transmute(id, r = g %in% c("a", NA)),
  "not %in% keeps missing values" = function(t, u) t %>% filter(!(g %in% c("a", "b"))),
  "%in% of numbers" = function(t, u) t %>% filter(i %in% c(5L, 7L, 100L)) %>% select(id, i),
  "%in% of doubles" = function(t, u) t %>% filter(x %in% c(0.5, 2.675)) %>% select(id),
  "%in% one value" = function(t, u) t %>% filter(g %in% "a") %>% select(id),
  "%in% nothing" = function(t, u) {
    none <- character(0)
    t %>% filter(g %in% !!none) %>% select(id)
  },
  "between" = function(t, u) t %>% filter(between(x, 0, 2.5)) %>% select(id, x),
  "if_else" = function(t, u) t %>% transmute(id, r = if_else(x > 1, "big", "small")),
  "if_else with missing" = function(t, u) t %>% transmute(id, r = if_else(f, 1, 2, missing = 3)),
  "ifelse" = function(t, u) t %>% transmute(id, r = ifelse(f, x, p)),
  "case_when" = function(t, u) {
    t %>% transmute(id, r = case_when(x > 100 ~ "large", x > 1 ~ "medium", is.na(x) ~ "none", TRUE ~ "small"))
  },
  "case_when without a match" = function(t, u) t %>% transmute(id, r = case_when(g == "a" ~ 1L, g == "b" ~ 2L)),
  "coalesce" = function(t, u) t %>% transmute(id, r = coalesce(g, "none"), q = coalesce(x, z, 0)),
  "na_if" = function(t, u) t %>% transmute(id, r = na_if(g, "a"), q = na_if(i, 0L)),
  "and, or, not with missing values" = function(t, u) t %>% transmute(id, a = f & (x > 0), o = f | (x > 0), n = !f),
  "xor" = function(t, u) t %>% transmute(id, r = xor(f, id > 5L)),
  "comparison of text" = function(t, u) t %>% filter(w == "beta") %>% select(id),
  "replace_na" = function(t, u) t %>% transmute(id, r = coalesce(f, FALSE))
))
