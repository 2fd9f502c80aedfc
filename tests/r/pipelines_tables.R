# Pipelines with joins and columns, and longer ones.

pipelines <- c(pipelines, list(
  # joins and sets
  "left join, missing keys match" = function(t, u) t %>% left_join(u, by = "g") %>% select(id, g, label, weight),
  "left join, missing keys never match" = function(t, u) {
    t %>% left_join(u, by = "g", na_matches = "never") %>% select(id, g, label)
  },
  "inner join" = function(t, u) t %>% inner_join(u, by = "g", na_matches = "never") %>% select(id, label),
  "right join" = function(t, u) t %>% right_join(u, by = "g", na_matches = "never") %>% select(g, id, label),
  "full join" = function(t, u) t %>% full_join(u, by = "g", na_matches = "never") %>% select(g, id, label),
  "semi join" = function(t, u) t %>% semi_join(u, by = "g", na_matches = "never") %>% select(id),
  "anti join" = function(t, u) t %>% anti_join(u, by = "g", na_matches = "never") %>% select(id),
  "a join with missing keys that match" = function(t, u) {
    t %>% inner_join(u, by = "g", na_matches = "na") %>% select(id, label)
  },
  "a join of tables with the same names" = function(t, u) {
    t %>% select(id, g, x = p) %>% inner_join(t %>% select(g, x = z), by = "g", na_matches = "never") %>%
      select(id, x.x, x.y)
  },
  "a join by different names" = function(t, u) {
    t %>% select(id, key = g) %>% inner_join(u, by = c(key = "g"), na_matches = "never")
  },
  "a summary joined back" = function(t, u) {
    t %>% left_join(t %>% group_by(g) %>% summarise(n = n()), by = "g", na_matches = "na") %>% select(id, n)
  },
  "union" = function(t, u) union(t %>% select(g), u %>% select(g)),
  "union_all" = function(t, u) union_all(t %>% select(g), u %>% select(g)),
  "intersect and setdiff" = function(t, u) intersect(t %>% select(g), u %>% select(g)),
  "setdiff" = function(t, u) setdiff(t %>% select(g), u %>% select(g)),

  # columns chosen by their type, and samples
  "where() in select()" = function(t, u) t %>% select(id, where(is.character)),
  "where() in select(), negated and with a formula" = function(t, u) {
    t %>% select(!where(is.numeric) & !where(~ inherits(.x, c("Date", "POSIXct"))))
  },
  "where() after a new column" = function(t, u) t %>% mutate(new = x * 2, t = paste(g)) %>% select(id, where(is.double)),
  "where() in mutate(across())" = function(t, u) t %>% select(id, x, s) %>% mutate(across(where(is.double), ~ .x * 2)),
  "where() in summarise(across()) by group" = function(t, u) {
    t %>% select(g, x, p, s) %>% group_by(g) %>% summarise(across(where(is.numeric), ~ max(.x, na.rm = TRUE)))
  },
  "where() in filter(if_any())" = function(t, u) t %>% select(id, x, p) %>% filter(if_any(where(is.double), ~ .x > 100)),
  "where() in filter(if_all())" = function(t, u) t %>% select(id, s, w) %>% filter(if_all(where(is.character), ~ !is.na(.x))),
  "where() in group_by(across())" = function(t, u) t %>% select(g, x) %>% group_by(across(where(is.character))) %>% count(),
  "where() in arrange(across())" = function(t, u) t %>% select(id, j) %>% arrange(across(where(is.integer), desc)),
  "where() in count(across())" = function(t, u) t %>% select(g, x) %>% count(across(where(is.character))),
  "where() in relocate() and rename_with()" = function(t, u) {
    t %>% select(id, x, s) %>% relocate(where(is.character)) %>% rename_with(toupper, where(is.double))
  },
  "where() in pivot_longer()" = function(t, u) t %>% select(id, x, p, s) %>% tidyr::pivot_longer(where(is.double)),
  "where() in a grouped table" = function(t, u) t %>% select(id, g, x) %>% group_by(g) %>% select(g, where(is.double)) %>% count(),
  "where() that chooses no column of a summary" = function(t, u) t %>% group_by(g) %>% summarise(across(where(is.list), max)),
  "slice_sample(prop =)" = function(t, u) t %>% slice_sample(prop = 0.5) %>% summarise(n = n()),
  "slice_sample(prop =) by group" = function(t, u) t %>% group_by(g) %>% slice_sample(prop = 0.5) %>% count(),
  "slice_sample(n =) by group" = function(t, u) {
    t %>% filter(g %in% c("a", "e")) %>% group_by(g) %>% slice_sample(n = 2) %>% count()
  },
  "sample_frac()" = function(t, u) t %>% sample_frac(0.25) %>% summarise(n = n()),
  "sample_n() by group" = function(t, u) t %>% filter(g %in% c("a", "e")) %>% group_by(g) %>% sample_n(2) %>% count(),

  # more of the same kinds, combined
  "%in% a range" = function(t, u) t %>% filter(id %in% 3:5) %>% select(id),
  "%in% dates" = function(t, u) t %>% filter(d %in% as.Date(c("2024-01-01", "2020-02-29"))) %>% select(id),
  "distinct with all columns" = function(t, u) t %>% distinct(g, .keep_all = TRUE) %>% select(g),
  "row_number without an order" = function(t, u) t %>% mutate(r = row_number()) %>% summarise(a = max(r), b = min(r)),
  "dates subtracted" = function(t, u) t %>% transmute(id, r = d - as.Date("2024-01-01")),
  "columns of dates subtracted" = function(t, u) t %>% transmute(id, r = as_date(h) - d),
  "columns of dates subtracted, as a number" = function(t, u) t %>% transmute(id, r = as.numeric(as_date(h) - d)),
  "columns of numbers subtracted, as an integer" = function(t, u) t %>% transmute(id, r = as.integer(x - z)),
  "a date difference as a number" = function(t, u) t %>% transmute(id, r = as.numeric(d - as.Date("2024-01-01"))),
  "a date as a number" = function(t, u) t %>% transmute(id, r = as.numeric(d)),
  "filter by today" = function(t, u) t %>% filter(d < Sys.Date() - 30) %>% select(id),
  "nested functions of text" = function(t, u) t %>% transmute(id, r = str_to_upper(str_sub(paste0(w, "-", g), 1, 4))),
  "sum of if_else" = function(t, u) t %>% group_by(g) %>% summarise(r = sum(if_else(x > 1, 1, 0), na.rm = TRUE)),
  "sum of case_when" = function(t, u) {
    t %>% summarise(r = sum(case_when(g %in% c("a", "b") ~ x, TRUE ~ 0), na.rm = TRUE))
  },
  "sum and mean of a logical column" = function(t, u) {
    t %>% summarise(r = sum(f, na.rm = TRUE), q = mean(f, na.rm = TRUE))
  },
  "sums of logical columns by group, across and in a filter" = function(t, u) {
    t %>% mutate(late = x > 1) %>% group_by(g) %>%
      summarise(n = sum(late, na.rm = TRUE), across(c(f), list(s = ~ sum(.x), m = ~ mean(.x, na.rm = TRUE)))) %>%
      filter(n > 0)
  },
  "running sums and shares of a logical column" = in_order(function(t, u) {
    t %>% filter(!is.na(f)) %>% arrange(id) %>% mutate(r = cumsum(f), q = mean(f), top = max(f)) %>% arrange(id) %>%
      select(id, r, q, top)
  }),
  "sum of a logical column of a joined table" = function(t, u) {
    t %>% inner_join(u, by = "g", na_matches = "never") %>% group_by(label) %>% summarise(n = sum(f, na.rm = TRUE), s = sum(x, na.rm = TRUE))
  },
  "sum of a logical column as integers" = function(t, u) {
    t %>% summarise(r = sum(as.integer(f), na.rm = TRUE), q = mean(as.numeric(f), na.rm = TRUE))
  },
  "sum of a logical that is computed" = function(t, u) {
    t %>% summarise(r = sum(g == "a" | x > 2, na.rm = TRUE), q = mean(!is.na(f) & f))
  },
  "the first and last text" = function(t, u) t %>% filter(id < 4L) %>% summarise(a = min(w), b = max(w)),
  "groups by an expression" = function(t, u) {
    t %>% group_by(odd = id %% 2L == 1L) %>% summarise(n = n(), m = mean(z, na.rm = TRUE))
  },
  "if_any and if_all" = function(t, u) {
    t %>% filter(if_any(c(x, z), ~ .x > 2), if_all(c(x, z), ~ !is.na(.x))) %>% select(id)
  },
  "columns by name" = function(t, u) {
    column <- "x"
    t %>% transmute(id, r = .data[[column]] * 2, q = !!as.name(column) + 1)
  },
  "columns renamed by a function" = function(t, u) t %>% select(id, x) %>% rename_with(toupper),
  "constants" = function(t, u) {
    t %>% transmute(id, a = TRUE, b = NA_character_, c = 1L, e = 2.5, k = "text", o = as.Date("2024-02-29"))
  },
  "a join by two keys" = function(t, u) {
    t %>% select(id, g, z) %>% inner_join(t %>% select(g, z, p), by = c("g", "z"), na_matches = "never")
  },
  "a join of an integer and a double" = function(t, u) {
    t %>% select(id, g) %>% inner_join(t %>% select(z, w), by = c(id = "z"))
  },
  "a join, then a summary" = function(t, u) {
    t %>% inner_join(u, by = "g", na_matches = "never") %>% group_by(label) %>%
      summarise(r = sum(p * weight, na.rm = TRUE))
  },
  "a join with a data frame" = function(t, u) {
    t %>% inner_join(data.frame(g = c("a", "c"), k = 1:2), by = "g", copy = TRUE, na_matches = "never") %>%
      select(id, k)
  },
  "distinct dates" = function(t, u) t %>% summarise(n = n_distinct(year(d)), m = n_distinct(d)),
  "floor_date to the quarter" = function(t, u) {
    t %>% transmute(id, r = floor_date(h, "quarter"), q = floor_date(h, "3 months"))
  },
  "a month later" = function(t, u) t %>% transmute(id, r = h + months(1)),
  "a day later across DST" = function(t, u) t %>% transmute(id, r = h + days(1)),
  "minutes and seconds later" = function(t, u) {
    t %>% filter(id > 10L) %>% transmute(id, r = h + minutes(90), q = h - seconds(30))
  },
  "a long table" = function(t, u) t %>% select(id, x, p) %>% tidyr::pivot_longer(c(x, p)),
  "a wide table" = function(t, u) {
    t %>% filter(id < 7L) %>% count(g, f) %>% tidyr::pivot_wider(names_from = f, values_from = n, names_prefix = "f_")
  },
  "replace_na in several columns" = function(t, u) {
    t %>% tidyr::replace_na(list(g = "none", z = -1)) %>% select(id, g, z)
  },
  "fill downwards" = function(t, u) {
    if (!is.data.frame(t)) t <- dbplyr::window_order(t, id)
    t %>% tidyr::fill(g, x) %>% select(id, g, x)
  },
  "several steps" = in_order(function(t, u) {
    t %>% filter(!is.na(x)) %>% mutate(k = if_else(x > 0, "up", "down"), y = year(d)) %>% group_by(k) %>%
      summarise(n = n(), m = round(mean(x), 2), last = max(y, na.rm = TRUE)) %>% arrange(desc(n))
  }),
  "a summary of a summary" = function(t, u) t %>% count(g, f) %>% group_by(g) %>% summarise(k = n(), s = sum(n)),
  "a window after a filter after a window" = function(t, u) {
    t %>% group_by(g) %>% mutate(r = row_number(id)) %>% filter(r <= 2L) %>% mutate(k = sum(id)) %>% ungroup() %>%
      select(id, r, k)
  },
  "unions of joins" = function(t, u) {
    union_all(t %>% inner_join(u, by = "g", na_matches = "never") %>% select(g, label), u %>% select(g, label))
  },
  "text compared with a number's text" = function(t, u) t %>% filter(as.character(id) == "7") %>% select(id),
  "a pattern from a variable" = function(t, u) {
    wanted <- fixed("b.c")
    t %>% filter(str_detect(s, !!wanted)) %>% select(id)
  },
  "a function with its package" = function(t, u) {
    t %>% transmute(id, r = stringr::str_detect(w, "a"), q = lubridate::year(d), k = dplyr::coalesce(z, 9))
  },
  "abs, min and max of integers in groups" = function(t, u) {
    t %>% group_by(g) %>% summarise(a = max(abs(j), na.rm = TRUE), b = min(-j, na.rm = TRUE))
  },
  "nothing in one group" = function(t, u) {
    t %>% group_by(g) %>% summarise(n = sum(x > 1e5, na.rm = TRUE)) %>% filter(n == 0)
  },
  "an expression of window and summary" = function(t, u) {
    t %>% filter(!is.na(p)) %>% mutate(r = (p - mean(p)) / sd(p), q = p > median(id)) %>% select(id, r)
  },
  "the median in groups of rows" = function(t, u) {
    t %>% group_by(g) %>% mutate(r = median(p, na.rm = TRUE)) %>% ungroup() %>% select(id, r)
  },

  # columns and rows
  "select and rename" = function(t, u) t %>% select(number = id, starts_with("x"), g) %>% rename(group = g),
  "relocate" = function(t, u) t %>% select(id, g, x) %>% relocate(x),
  "distinct" = function(t, u) t %>% distinct(g),
  "distinct of two columns" = function(t, u) t %>% distinct(g, f),
  "mutate that refers to itself" = function(t, u) t %>% mutate(x = x * 2, y = x + 1) %>% select(id, x, y),
  "a name with blanks and umlauts" = function(t, u) t %>% transmute(id, `größe in m` = x),
  "mutate across" = function(t, u) t %>% mutate(across(c(x, p), ~ round(.x, 1))) %>% select(id, x, p),
  "values from R" = function(t, u) {
    limit <- 2
    t %>% filter(x > !!limit) %>% transmute(id, k = !!limit, s = "é")
  },
  "all columns of all types" = function(t, u) t,
  "an empty answer has its columns" = function(t, u) t %>% filter(id > 100L)
))
