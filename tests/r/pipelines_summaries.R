# Pipelines with summaries, window functions and an order of rows.

pipelines <- c(pipelines, list(
  # summaries
  "mean, sum, min, max" = function(t, u) {
    t %>% group_by(g) %>%
      summarise(m = mean(p, na.rm = TRUE), s = sum(p, na.rm = TRUE), a = min(p, na.rm = TRUE),
        b = max(p, na.rm = TRUE)) %>%
      filter(m < 1e9)
  },
  "summaries with missing values are missing" = function(t, u) {
    t %>% group_by(g) %>% summarise(m = mean(x), s = sum(x), a = min(x), b = max(x), v = sd(x))
  },
  "mean of integers" = function(t, u) t %>% group_by(g) %>% summarise(m = mean(j, na.rm = TRUE)),
  "mean of a comparison" = function(t, u) {
    t %>% group_by(g) %>% summarise(m = mean(x > 0, na.rm = TRUE), n = sum(x > 0, na.rm = TRUE))
  },
  "sum of missing values" = function(t, u) t %>% summarise(n = sum(is.na(g)), m = mean(is.na(x))),
  "sum of nothing is zero" = function(t, u) t %>% filter(id > 100L) %>% summarise(s = sum(x, na.rm = TRUE), n = n()),
  "mean of nothing is NaN" = function(t, u) t %>% filter(id > 100L) %>% summarise(m = mean(x, na.rm = TRUE)),
  "sum of a group without values" = function(t, u) {
    t %>% filter(id == 6L) %>% group_by(g) %>% summarise(s = sum(x, na.rm = TRUE), m = mean(x, na.rm = TRUE))
  },
  "sum of integers" = function(t, u) t %>% filter(id != 11L) %>% group_by(g) %>% summarise(s = sum(i, na.rm = TRUE)),
  "sum of integers beyond 32 bits" = function(t, u) t %>% summarise(s = sum(i, na.rm = TRUE)),
  "sd and var" = function(t, u) t %>% group_by(g) %>% summarise(s = sd(p, na.rm = TRUE), v = var(p, na.rm = TRUE)),
  "median" = function(t, u) t %>% group_by(g) %>% summarise(m = median(p, na.rm = TRUE)),
  "median with missing values" = function(t, u) t %>% group_by(g) %>% summarise(m = median(x)),
  "quantiles" = function(t, u) t %>% summarise(a = quantile(p, 0.25, na.rm = TRUE), b = quantile(p, 0.9, na.rm = TRUE)),
  "n_distinct counts the missing value" = function(t, u) {
    t %>% summarise(n = n_distinct(g), m = n_distinct(g, na.rm = TRUE))
  },
  "n_distinct by group" = function(t, u) t %>% group_by(g) %>% summarise(n = n_distinct(z), m = n_distinct(f)),
  "n_distinct of two columns" = function(t, u) t %>% summarise(n = n_distinct(g, z)),
  "any and all" = function(t, u) {
    t %>% group_by(g) %>% summarise(a = any(f), b = all(f), c = any(f, na.rm = TRUE), e = all(f, na.rm = TRUE))
  },
  "any and all of comparisons" = function(t, u) {
    t %>% group_by(g) %>% summarise(a = any(x > 2, na.rm = TRUE), b = all(x > 0, na.rm = TRUE))
  },
  "correlation" = function(t, u) t %>% filter(!is.na(x), !is.na(p)) %>% summarise(r = cor(x, p)),
  "correlation with missing values" = function(t, u) t %>% summarise(r = cor(x, z)),
  "first, last and nth by an order" = function(t, u) {
    t %>% group_by(g) %>%
      summarise(a = first(w, order_by = id), b = last(w, order_by = id), c = nth(w, 2, order_by = id))
  },
  "count" = function(t, u) t %>% count(g),
  "count sorted" = in_order(function(t, u) t %>% count(g, sort = TRUE) %>% filter(n > 2) %>% arrange(desc(n), g)),
  "count weighted" = function(t, u) t %>% filter(!is.na(z)) %>% count(g, wt = z),
  "count by two columns has no groups" = function(t, u) t %>% count(g, f) %>% mutate(all = sum(n)),
  "count keeps the groups of its table" = function(t, u) {
    t %>% group_by(h = z > 1) %>% count(g, f) %>% mutate(all = sum(n)) %>% ungroup()
  },
  "count by a logical" = function(t, u) t %>% group_by(f) %>% summarise(n = n()),
  "add_count" = function(t, u) t %>% add_count(g) %>% select(id, n),
  "summarise by two groups" = function(t, u) {
    t %>% group_by(g, f) %>% summarise(n = n(), m = mean(p, na.rm = TRUE), .groups = "drop")
  },
  "summarise across" = function(t, u) t %>% group_by(g) %>% summarise(across(c(x, p), ~ mean(.x, na.rm = TRUE))),
  "summarise across several functions" = function(t, u) {
    t %>% summarise(across(c(z, p), list(m = ~ mean(.x, na.rm = TRUE), s = ~ sum(.x, na.rm = TRUE))))
  },
  "summarise of an empty table by group" = function(t, u) {
    t %>% filter(id > 100L) %>% group_by(g) %>% summarise(n = n())
  },
  "filter after a summary" = function(t, u) t %>% group_by(g) %>% summarise(n = n()) %>% filter(n >= 3),
  "str_flatten of one" = function(t, u) t %>% filter(id == 1L) %>% summarise(r = str_flatten(w, "-")),
  "weighted mean by hand" = function(t, u) {
    t %>% filter(!is.na(x), !is.na(p)) %>% group_by(g) %>% summarise(r = sum(x * p) / sum(p))
  },

  # windows
  "row_number in groups" = function(t, u) {
    t %>% group_by(g) %>% mutate(r = row_number(id)) %>% ungroup() %>% select(id, r)
  },
  "ranks" = function(t, u) {
    t %>% mutate(a = min_rank(z), b = dense_rank(z), c = percent_rank(z), e = cume_dist(z)) %>% select(id, a, b, c, e)
  },
  "ranks downwards" = function(t, u) t %>% mutate(a = min_rank(desc(z)), b = dense_rank(desc(x))) %>% select(id, a, b),
  "ranks in groups" = function(t, u) t %>% group_by(g) %>% mutate(a = min_rank(x)) %>% ungroup() %>% select(id, a),
  "ntile" = function(t, u) t %>% mutate(r = ntile(id, 4)) %>% select(id, r),
  "lag and lead" = function(t, u) {
    t %>% mutate(a = lag(x, order_by = id), b = lead(x, 2, order_by = id)) %>% select(id, a, b)
  },
  "lag with a default" = function(t, u) t %>% mutate(a = lag(z, default = -1, order_by = id)) %>% select(id, a),
  "lag in groups" = function(t, u) {
    t %>% group_by(g) %>% mutate(a = lag(w, order_by = id)) %>% ungroup() %>% select(id, a)
  },
  "a filter after the mean of a group" = function(t, u) {
    t %>% group_by(g) %>% mutate(a = p - mean(p, na.rm = TRUE), n = n()) %>% ungroup() %>% filter(id > 2L) %>%
      select(id, a, n)
  },
  "difference to the row before" = function(t, u) t %>% mutate(a = p - lag(p, order_by = id)) %>% select(id, a),
  "cumulative sum" = function(t, u) {
    t %>% filter(!is.na(p)) %>% arrange(id) %>% mutate(a = cumsum(p), b = cummax(p), c = cummin(p), e = cummean(p)) %>%
      select(id, a, b, c, e)
  },
  "cumulative sum after a missing value" = function(t, u) t %>% arrange(id) %>% mutate(a = cumsum(p)) %>% select(id, a),
  "cumulative sum in groups" = function(t, u) {
    t %>% group_by(g) %>% arrange(id) %>% mutate(a = cumsum(z)) %>% ungroup() %>% select(id, a)
  },
  "cumany and cumall" = function(t, u) {
    t %>% arrange(id) %>% mutate(a = cumany(id > 3L), b = cumall(id < 5L)) %>% select(id, a, b)
  },
  "share of the group" = function(t, u) {
    t %>% filter(!is.na(p)) %>% group_by(g) %>% mutate(r = p / sum(p)) %>% ungroup() %>% select(id, r)
  },
  "centred in the group" = function(t, u) {
    t %>% group_by(g) %>% mutate(r = p - mean(p, na.rm = TRUE)) %>% ungroup() %>% select(id, r)
  },
  "mean of a group with missing values" = function(t, u) {
    t %>% group_by(g) %>% mutate(r = mean(x), q = max(x)) %>% ungroup() %>% select(id, r, q)
  },
  "filter by the group's maximum" = function(t, u) {
    t %>% group_by(g) %>% filter(p == max(p, na.rm = TRUE)) %>% ungroup() %>% select(id)
  },
  "filter by the size of the group" = function(t, u) t %>% group_by(g) %>% filter(n() > 2) %>% ungroup() %>% select(id),
  "n_distinct in groups of rows" = function(t, u) {
    t %>% group_by(g) %>% mutate(r = n_distinct(z)) %>% ungroup() %>% select(id, r)
  },
  "first and last in groups" = function(t, u) {
    t %>% group_by(g) %>%
      mutate(a = first(w, order_by = id), b = last(w, order_by = id), c = nth(w, 2, order_by = id)) %>% ungroup() %>%
      select(id, a, b, c)
  },
  "slice_min and slice_max" = function(t, u) t %>% slice_max(p, n = 3) %>% select(id),
  "slice_max in groups" = function(t, u) t %>% group_by(g) %>% slice_max(id, n = 1) %>% ungroup() %>% select(id, g),
  "slice_min with ties" = function(t, u) t %>% slice_min(z, n = 2) %>% select(id),
  "sd in groups of rows" = function(t, u) {
    t %>% group_by(g) %>% mutate(r = sd(p, na.rm = TRUE)) %>% ungroup() %>% select(id, r)
  },

  # order
  "arrange puts missing values last" = in_order(function(t, u) t %>% arrange(x) %>% select(id, x)),
  "arrange downwards puts missing values last" = in_order(function(t, u) t %>% arrange(desc(x)) %>% select(id, x)),
  "arrange by two columns" = in_order(function(t, u) t %>% arrange(g, desc(id)) %>% select(id, g)),
  "arrange by an expression" = in_order(function(t, u) t %>% arrange(id %% 3L, desc(id)) %>% select(id)),
  "arrange by a logical" = in_order(function(t, u) t %>% arrange(f, id) %>% select(id, f)),
  "arrange by a date" = in_order(function(t, u) t %>% arrange(desc(d)) %>% select(id, d)),
  "arrange by is.na" = in_order(function(t, u) t %>% arrange(is.na(g), id) %>% select(id)),
  "new names after arrange by an expression" = in_order(function(t, u) t %>% arrange(id %% 3L, desc(id)) %>% rename(k = id)),
  "columns in another order after arrange by an expression" = in_order(function(t, u) {
    t %>% arrange(is.na(g), id) %>% relocate(g) %>% select(g, id)
  }),
  "lag after select after arrange by an expression" = function(t, u) {
    t %>% arrange(id %% 3L, desc(id)) %>% select(id, x) %>% mutate(before = lag(id)) %>% rename(k = id) %>% arrange(k)
  },
  "the first rows by an order" = in_order(function(t, u) t %>% arrange(desc(p)) %>% head(4) %>% select(id)),
  "arrange in lower case" = in_order(function(t, u) t %>% filter(id %in% c(1L, 2L, 3L, 6L, 8L)) %>% arrange(w) %>% select(w)),
  "arrange in both cases" = in_order(function(t, u) t %>% filter(id %in% 1:6) %>% arrange(w) %>% select(w))
))
