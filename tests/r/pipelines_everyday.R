# Pipelines of more functions that are in everyday use, and of parts of columns in summaries.

pipelines <- c(pipelines, list(
  # parts of a column in summaries
  "sums of a part of a column" = function(t, u) {
    t %>% summarise(r = sum(p[id > 6L]), q = sum(p[id > 7L & id < 10L]), k = sum(x[g == "a"]))
  },
  "mean of a part of a column by group" = function(t, u) t %>% group_by(f) %>% summarise(r = mean(p[id != 6L])),
  "a part by a condition that is missing" = function(t, u) {
    t %>% summarise(r = sum(id[x > 1]), q = sum(id[x > 1], na.rm = TRUE), n = sum(id[x > 1] > 3L, na.rm = TRUE))
  },
  "different values of a part of a column" = function(t, u) {
    t %>% summarise(r = n_distinct(g[id > 5L]), q = n_distinct(g[id > 5L], na.rm = TRUE), k = n_distinct(z[x > 0]))
  },
  "different values of a part of a column by group" = function(t, u) t %>% group_by(g) %>% summarise(r = n_distinct(z[x > 0])),
  "any and all of a part of a column" = function(t, u) {
    t %>% summarise(r = any(f[id > 12L]), q = all(f[id == 1L]), k = any(f[id == 9L]))
  },
  "median, sd and cor of parts of columns" = function(t, u) {
    t %>% summarise(r = median(p[id < 4L]), s = sd(p[id < 4L]), m = median(p), k = cor(id[id < 5L], p[id < 5L]))
  },
  "a part of a column in a window" = function(t, u) {
    t %>% group_by(g) %>% mutate(r = p - mean(p[id < 5L], na.rm = TRUE)) %>% ungroup() %>% filter(id < 4L) %>% select(id, r)
  },

  # ranks and powers
  "rank of equal values" = function(t, u) {
    t %>% filter(!is.na(z)) %>%
      mutate(a = rank(z), b = rank(desc(z)), c = rank(z, ties.method = "min"), e = rank(z, ties.method = "max"),
        f = rank(id, ties.method = "first")) %>%
      select(id, a, b, c, e, f)
  },
  "rank of missing values" = function(t, u) {
    t %>% mutate(a = rank(x, na.last = "keep"), b = rank(z)) %>% mutate(s = sum(b), m = max(b)) %>% select(id, a, s, m)
  },
  "rank by group" = function(t, u) t %>% group_by(g) %>% mutate(a = rank(j)) %>% ungroup() %>% select(id, a),
  "zero as the power of a missing value" = function(t, u) t %>% transmute(id, a = z^j, b = x^z, c = 1^x, e = p^0),
  "top_n and top_frac" = function(t, u) {
    union_all(t %>% top_n(3, p) %>% select(id), t %>% top_n(-2, p) %>% select(id)) %>% union_all(t %>% top_frac(0.25, id) %>% select(id))
  },
  "top_n by group" = function(t, u) t %>% group_by(g) %>% top_n(1, id) %>% ungroup() %>% select(id),
  "weighted mean" = function(t, u) {
    t %>% group_by(g) %>% summarise(a = weighted.mean(x, p), b = weighted.mean(x, p, na.rm = TRUE), c = weighted.mean(id, x))
  },
  "IQR" = function(t, u) t %>% group_by(g) %>% summarise(a = IQR(p, na.rm = TRUE), b = IQR(id)),

  # new values
  "recode" = function(t, u) {
    t %>% transmute(id, a = recode(g, a = "A", b = "B", .default = "z"), b = recode(g, a = "A", .missing = "none"),
      c = recode(j, `1` = 100L, `2` = 200L), e = recode(g, a = "A", .default = w))
  },
  "str_replace_na" = function(t, u) t %>% transmute(id, r = str_replace_na(g), q = str_replace_na(w, "?")),
  "str_split_i" = function(t, u) {
    t %>% transmute(id, a = str_split_i(w, "a", 2), b = str_split_i(s, " ", -1), c = str_split_i(s, fixed("."), 1))
  },
  "str_like" = function(t, u) {
    t %>% transmute(id, a = str_like(w, "al%"), b = str_like(w, "_eta", ignore_case = FALSE), c = str_like(s, "%b.c"))
  },
  "chartr" = function(t, u) t %>% transmute(id, a = chartr("aeß", "43s", s)),
  "sprintf of text and whole numbers" = function(t, u) {
    t %>% filter(id != 11L) %>%
      transmute(id, a = sprintf("%s has %d", g, i), b = sprintf("%05d", i), c = sprintf("%3d%%", i),
        e = sprintf("%02d-%02d", month(d), day(d)))
  },

  # dates and times
  "a date as text by a format" = function(t, u) {
    t %>% transmute(id, a = format(d, "%d.%m.%y"), b = format(d, "%F"), e = format(d, "%j/%Y"), f = format(d, "%a %A %b %B"))
  },
  "a time as text by a format" = function(t, u) {
    t %>% transmute(id, a = format(h, "%H:%M:%S Uhr o'clock"), b = strftime(h, "%I %p 100%%"), c = format(h, "Y%Yy H%H \"x\"\\"))
  },
  "counts by the text of a month" = function(t, u) t %>% count(m = format(d, "%Y-%m")),
  "ceiling_date" = function(t, u) {
    t %>% transmute(id, b = ceiling_date(h, "month"), c = ceiling_date(h, "week"), e = ceiling_date(h, "quarter"),
      f = ceiling_date(h, "year"), k = ceiling_date(h, "day"))
  },
  "ceiling_date to minutes" = function(t, u) t %>% filter(month(h) != 10L) %>% transmute(id, r = ceiling_date(h, "15 minutes")),
  "ceiling_date to the hour when the clock goes back" = function(t, u) {
    t %>% transmute(id, r = ceiling_date(h, "hour"), q = ceiling_date(h, "15 minutes"))
  },
  "ceiling_date of a boundary" = function(t, u) {
    t %>% transmute(id, a = ceiling_date(floor_date(h, "day"), "day"),
      b = ceiling_date(floor_date(h, "month"), "month", change_on_boundary = TRUE))
  },
  "ceiling_date of a date, as a date" = function(t, u) {
    t %>% transmute(id, a = as.Date(ceiling_date(d, "month"), tz = "Europe/Berlin"))
  },
  "round_date" = function(t, u) {
    t %>% transmute(id, a = round_date(h, "day"), b = round_date(h, "month"), c = round_date(h, "30 minutes"), e = round_date(h, "year"))
  },
  "days of a month, leap years, before noon" = function(t, u) {
    t %>% transmute(id, a = days_in_month(d), b = leap_year(h), c = am(h), e = pm(h), f = weekdays(d))
  },
  "filter by ymd() and dmy()" = function(t, u) {
    t %>% filter(d >= ymd("2024-03-01"), d < dmy("01.11.2024"), h > ymd_hms("2000-01-01 00:00:00")) %>% select(id)
  },

  # missing keys, and verbs of tidyr
  "semi and anti join with missing keys that match" = function(t, u) {
    union_all(t %>% semi_join(u, by = "g", na_matches = "na") %>% transmute(id, kind = "semi"),
      t %>% anti_join(u, by = "g", na_matches = "na") %>% transmute(id, kind = "anti"))
  },
  "a semi join by other names with missing keys that match" = function(t, u) {
    t %>% select(id, key = g) %>% semi_join(u, by = c(key = "g"), na_matches = "na") %>% select(id)
  },
  "an anti join by two keys with missing keys that match" = function(t, u) {
    t %>% select(id, g, z) %>% anti_join(t %>% filter(id > 5L) %>% select(g, z), by = c("g", "z"), na_matches = "na")
  },
  "complete with missing keys" = function(t, u) t %>% count(g, f) %>% tidyr::complete(g, f, fill = list(n = 0L)),
  "drop_na" = function(t, u) t %>% tidyr::drop_na(x:p) %>% select(id),
  "drop_na of all columns" = function(t, u) t %>% select(id, x, s) %>% tidyr::drop_na()
))
