# Pipelines with text, dates and times.

pipelines <- c(pipelines, list(
  # text
  "text with umlauts is found" = function(t, u) t %>% filter(s == "Zürich") %>% select(id, s),
  "upper and lower case" = function(t, u) {
    t %>% transmute(id, r = toupper(w), q = tolower(w), k = str_to_upper(w), l = str_to_lower(w))
  },
  "lower case of umlauts" = function(t, u) t %>% filter(id == 12L) %>% transmute(r = tolower(s)),
  "title case" = function(t, u) t %>% transmute(id, r = str_to_title(w)),
  "length of text" = function(t, u) t %>% transmute(id, r = str_length(s)),
  "nchar" = function(t, u) t %>% filter(!is.na(s)) %>% transmute(id, r = nchar(s)),
  "str_detect with a pattern" = function(t, u) t %>% transmute(id, r = str_detect(s, "^[aA]")),
  "str_detect negated" = function(t, u) t %>% transmute(id, r = str_detect(s, "a", negate = TRUE)),
  "str_detect with fixed text" = function(t, u) t %>% transmute(id, r = str_detect(s, fixed("b.c"))),
  "str_detect with LIKE characters" = function(t, u) {
    t %>% transmute(id, r = str_detect(s, fixed("%")), q = str_detect(s, fixed("_")))
  },
  "str_detect without case" = function(t, u) t %>% transmute(id, r = str_detect(w, regex("ALPHA", ignore_case = TRUE))),
  "str_detect with a backslash" = function(t, u) {
    t %>% transmute(id, r = str_detect(s, "\\\\"), q = str_detect(s, fixed("\\")))
  },
  "str_detect with classes" = function(t, u) {
    t %>% transmute(id, r = str_detect(s, "\\d+"), q = str_detect(s, "\\s{2}"), k = str_detect(s, "[[:space:]]"))
  },
  "letters of all languages" = function(t, u) {
    t %>%
      transmute(id, r = str_extract(s, "\\w+"), q = str_detect(s, regex("äöü ÄÖÜ", ignore_case = TRUE)),
        k = str_extract(s, "[[:alpha:]]+"))
  },
  "a text in several lines of a pattern" = function(t, u) {
    t %>% transmute(id, r = str_detect(s, "tab.here"), q = str_detect(s, "^tab\\shere$"))
  },
  "greedy and lazy patterns" = function(t, u) {
    t %>% transmute(id, r = str_extract(w, "a.*?a"), q = str_extract(w, "a.*a"))
  },
  "look-ahead" = function(t, u) t %>% transmute(id, r = str_extract(w, "al(?=phab)"), q = str_detect(w, "^(?!al)")),
  "the edge of a word" = function(t, u) {
    t %>% transmute(id, r = str_detect(w, "\\bblocker\\b"), q = str_detect(w, "alpha\\b"))
  },
  "grepl is FALSE for a missing text" = function(t, u) t %>% transmute(id, r = grepl("a", w)),
  "grepl fixed and without case" = function(t, u) {
    t %>% transmute(id, r = grepl("b.c", s, fixed = TRUE), q = grepl("ALPHA", w, ignore.case = TRUE))
  },
  "filter by grepl" = function(t, u) t %>% filter(grepl("^1", v)) %>% select(id),
  "filter by not grepl keeps missing texts" = function(t, u) t %>% filter(!grepl("a", w)) %>% select(id),
  "sub and gsub" = function(t, u) t %>% transmute(id, r = sub("a", "A", w), q = gsub("a", "A", w)),
  "gsub fixed" = function(t, u) {
    t %>% transmute(id, r = gsub(".", "-", s, fixed = TRUE), q = sub(".", "-", s, fixed = TRUE))
  },
  "gsub with groups" = function(t, u) t %>% transmute(id, r = gsub("(a)(l)", "\\2\\1", w)),
  "str_replace" = function(t, u) t %>% transmute(id, r = str_replace(w, "a", "X"), q = str_replace_all(w, "a", "X")),
  "str_replace with groups" = function(t, u) {
    t %>% transmute(id, r = str_replace(w, "(\\w)(\\w)", "\\2\\1"), q = str_replace_all(w, "(e)", "<\\1>"))
  },
  "str_replace with a dollar" = function(t, u) {
    t %>% transmute(id, r = str_replace(w, "a", "$"), q = str_replace_all(w, "a", "$1"))
  },
  "str_replace fixed" = function(t, u) {
    t %>% transmute(id, r = str_replace(s, fixed("b.c"), "X"), q = str_replace_all(s, fixed("%"), "pct"))
  },
  "str_remove" = function(t, u) t %>% transmute(id, r = str_remove(w, "a"), q = str_remove_all(w, "[aeiou]")),
  "str_extract" = function(t, u) t %>% transmute(id, r = str_extract(s, "[0-9]+"), q = str_extract(w, "(l)(.)")),
  "str_count" = function(t, u) t %>% transmute(id, r = str_count(w, "a"), q = str_count(s, fixed("."))),
  "str_starts and str_ends" = function(t, u) {
    t %>% transmute(id, r = str_starts(w, "al|b"), q = str_ends(w, "a|t"), k = str_starts(s, fixed("a_")))
  },
  "startsWith and endsWith" = function(t, u) t %>% transmute(id, r = startsWith(s, "a_"), q = endsWith(s, "%")),
  "str_sub" = function(t, u) {
    t %>% transmute(id, r = str_sub(w, 2, 3), q = str_sub(w, -3, -2), k = str_sub(w, 3), l = str_sub(w, 1, -2))
  },
  "str_sub beyond the end" = function(t, u) t %>% transmute(id, r = str_sub(w, 5, 100), q = str_sub(w, -100, -1)),
  "substr" = function(t, u) t %>% transmute(id, r = substr(s, 1, 2), q = substr(s, 0, 1), k = substr(s, 3, 2)),
  "substring" = function(t, u) t %>% transmute(id, r = substring(w, 2), q = substring(w, 2, 4)),
  "str_trim and trimws" = function(t, u) {
    t %>% transmute(id, r = str_trim(w), q = str_trim(w, "left"), k = trimws(w), l = trimws(w, "right"))
  },
  "str_squish" = function(t, u) t %>% transmute(id, r = str_squish(s)),
  "str_pad" = function(t, u) {
    t %>% transmute(id, r = str_pad(w, 6), q = str_pad(w, 6, "right", "*"), k = str_pad(w, 9, "both"))
  },
  "str_dup" = function(t, u) t %>% filter(!is.na(g)) %>% transmute(id, r = str_dup(g, 3L)),
  "paste writes NA" = function(t, u) t %>% transmute(id, r = paste(g, i), q = paste0(g, "-", s)),
  "paste of numbers" = function(t, u) t %>% filter(p < 1e5) %>% transmute(id, r = paste0("n", id, "/", p)),
  "paste with a separator" = function(t, u) t %>% transmute(id, r = paste(g, w, sep = " / ")),
  "paste of a logical" = function(t, u) t %>% transmute(id, r = paste0(f)),
  "str_c is missing where a part is" = function(t, u) {
    t %>% transmute(id, r = str_c(g, "-", s), q = str_c(g, w, sep = "_"))
  },
  "text that looks like SQL" = function(t, u) t %>% filter(s == "it's") %>% transmute(id, r = paste0(s, "'; --")),

  # dates and times
  "parts of a date" = function(t, u) {
    t %>% transmute(id, y = year(d), m = month(d), k = day(d), q = quarter(d), l = yday(d))
  },
  "parts of a time" = function(t, u) {
    t %>% transmute(id, y = year(h), m = month(h), k = mday(h), o = hour(h), n = minute(h), s = second(h))
  },
  "weekday" = function(t, u) t %>% transmute(id, r = wday(d), q = wday(h)),
  "weekday from Monday" = function(t, u) t %>% transmute(id, r = wday(d, week_start = 1), q = wday(d, week_start = 3)),
  "weekday by name" = function(t, u) {
    t %>% transmute(id, r = wday(d, label = TRUE), q = wday(d, label = TRUE, abbr = FALSE))
  },
  "month by name" = function(t, u) {
    t %>% transmute(id, r = month(d, label = TRUE), q = month(d, label = TRUE, abbr = FALSE))
  },
  "week and isoweek" = function(t, u) t %>% transmute(id, r = week(d), q = isoweek(d), k = isoyear(d)),
  "quarter with the year, semester" = function(t, u) {
    t %>% transmute(id, r = quarter(d, with_year = TRUE), q = semester(d))
  },
  "a date plus days" = function(t, u) t %>% transmute(id, r = d + 1, q = d + 7L, k = d - 1),
  "a date plus a column" = function(t, u) t %>% transmute(id, r = d + j),
  "days between dates" = function(t, u) t %>% transmute(id, r = difftime(d, as.Date("2024-03-30"), units = "days")),
  "hours between times across DST" = function(t, u) {
    t %>% transmute(id, r = difftime(h, as.POSIXct("2024-03-30 12:00:00", tz = "Europe/Berlin"), units = "hours"))
  },
  "difftime in minutes" = function(t, u) {
    t %>% transmute(id, r = difftime(h, as.POSIXct("2024-10-26 12:00:00", tz = "UTC"), units = "mins"))
  },
  "filter by a date" = function(t, u) {
    t %>% filter(d >= as.Date("2024-03-01"), d < as.Date("2024-11-01")) %>% select(id, d)
  },
  "filter by a time across DST" = function(t, u) {
    t %>% filter(h >= as.POSIXct("2024-03-31 01:00:00", tz = "UTC")) %>% select(id)
  },
  "filter by a time of another zone" = function(t, u) {
    t %>% filter(h < as.POSIXct("2024-03-31 02:00:00", tz = "Europe/Berlin")) %>% select(id)
  },
  "times stay the same instants" = function(t, u) t %>% select(id, h, d),
  "the time an hour later across DST" = function(t, u) t %>% transmute(id, r = h + hours(1)),
  "floor_date of a time" = function(t, u) {
    t %>%
      transmute(id, a = floor_date(h, "hour"), b = floor_date(h, "day"), c = floor_date(h, "month"),
        e = floor_date(h, "year"))
  },
  "floor_date to the week" = function(t, u) {
    t %>% transmute(id, r = floor_date(h, "week"), q = floor_date(h, "week", week_start = 1))
  },
  "floor_date to minutes" = function(t, u) {
    t %>% transmute(id, r = floor_date(h, "15 minutes"), q = floor_date(h, "30 seconds"))
  },
  "floor_date to several hours" = function(t, u) {
    t %>% filter(month(h) == 7L) %>% transmute(id, r = floor_date(h, "6 hours"))
  },
  "floor_date of a date, as a date" = function(t, u) {
    t %>% transmute(id, r = as.Date(floor_date(d, "month"), tz = "Europe/Berlin"))
  },
  "floor_date of a date" = function(t, u) t %>% transmute(id, r = floor_date(d, "month")),
  "a date plus a period" = function(t, u) t %>% transmute(id, r = d + days(3)),
  "the date of a time" = function(t, u) t %>% transmute(id, r = as_date(h)),
  "summary of dates" = function(t, u) {
    t %>% group_by(g) %>% summarise(a = min(d, na.rm = TRUE), b = max(h, na.rm = TRUE))
  },
  "counts by month" = function(t, u) t %>% count(y = year(d), m = month(d))
))
