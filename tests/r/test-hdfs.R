# What users do with rc2_hdfs(), in their words.
store <- rc2_hdfs(service)
here <- function(...) file.path(tempdir(), ...)

test_that("a file is put, listed, described, read and removed", {
  writeBin(charToRaw("a,b\n1,x\n2,y\n"), here("table.csv"))
  expect_equal(store$put(here("table.csv"), "own/table.csv"), "/user/alice/own/table.csv")
  listed <- store$ls("own")
  expect_equal(listed[c("name", "type", "size", "owner")],
    data.frame(name = "table.csv", type = "file", size = 12, owner = "alice"))
  expect_lt(abs(difftime(listed$modified, Sys.time(), units = "secs")), 600)
  expect_equal(store$info("own/table.csv")[c("path", "type", "size")],
    list(path = "/user/alice/own/table.csv", type = "file", size = 12))
  expect_equal(store$read_csv("own/table.csv"), data.frame(a = 1:2, b = c("x", "y")))
  expect_equal(store$read_csv("/user/alice/own/table.csv", header = FALSE)$V1, c("a", "1", "2"))
  store$get("own/table.csv", here("back.csv"))
  expect_equal(readLines(here("back.csv")), c("a,b", "1,x", "2,y"))
  store$rm("own/table.csv")
  expect_equal(nrow(store$ls("own")), 0)
  expect_error(store$info("own/table.csv"), "File does not exist: .*; list a folder with ls\\(\\)\\.$", class = "rc2_error")
})

source("any_store.R", local = TRUE)

test_that("a folder with more names than HDFS lists at a time is listed as a whole", {
  listed <- store$ls("many")
  expect_equal(listed$name, sprintf("%04d", 0:1099))
  expect_equal(unique(listed[c("type", "owner", "permissions")]), data.frame(type = "folder", owner = "hdfs", permissions = "755"))
})

test_that("odd names are names", {
  writeLines("x", here("odd"))
  for (name in c("a b", "100%", "%41", "a+b", "\u00fc \u00df \u20ac", "a;b=c&d?e#f", "'\"", "\\")) {
    store$put(here("odd"), paste0("odd/", name))
    expect_equal(store$ls("odd")$name, name)
    expect_equal(store$read_csv(paste0("odd/", name), header = FALSE)$V1, "x")
    store$rm("odd", recursive = TRUE)
  }
})

test_that("nothing is replaced unless the user says it", {
  writeLines("1", here("one"))
  writeLines("2", here("two"))
  store$put(here("one"), "kept")
  store$put(here("two"), "other")
  expect_error(store$put(here("two"), "kept"), "/user/alice/kept exists; overwrite = TRUE replaces it", class = "rc2_error")
  expect_error(store$mv("other", "kept"), "overwrite = TRUE replaces a file", class = "rc2_error")
  expect_error(store$get("kept", here("two")), "exists; overwrite = TRUE replaces it", class = "rc2_error")
  expect_equal(store$read_csv("kept", header = FALSE)$V1, 1)
  store$mv("other", "kept", overwrite = TRUE)
  expect_equal(store$read_csv("kept", header = FALSE)$V1, 2)
  store$mkdir("folder/inside")
  expect_error(store$mv("kept", "folder"), class = "rc2_error")
  expect_error(store$rm("folder"), "recursive = TRUE removes it", class = "rc2_error")
  store$rm("folder", recursive = TRUE)
  expect_error(store$rm("folder"), "does not exist", class = "rc2_error")
})

test_that("a write beyond a quota leaves no file, neither under its name nor under a temporary one", {
  writeBin(raw(1e6), here("large"))
  expect_error(store$put(here("large"), "small/large"), "quota.*; remove files, or ask the operator", class = "rc2_error",
    ignore.case = TRUE)
  expect_equal(nrow(store$ls("small")), 0)
})

test_that("a folder beyond its quota of names takes no more", {
  expect_error(for (i in 1:10) store$mkdir(paste0("small/", i)), "quota.*; remove files, or ask the operator.*[.]$",
    class = "rc2_error", ignore.case = TRUE)
  for (name in store$ls("small")$name) store$rm(paste0("small/", name))
})

test_that("a token that has expired is one sentence", {
  token <- Sys.getenv("JUPYTERHUB_API_TOKEN")
  on.exit(Sys.setenv(JUPYTERHUB_API_TOKEN = token))
  Sys.setenv(JUPYTERHUB_API_TOKEN = "expired")
  expect_error(store$ls(), "^[^\n]*No grant of store; ask the owner or the operator for the right[.]$", class = "rc2_error")
})

test_that("a name that is too long is one sentence", {
  expect_error(store$mkdir(strrep("x", 256)), "^[^\n]*limit=255 length=256[^\n]*[.]$", class = "rc2_error")
  expect_error(store$ls(strrep("x/", 4000)), "^[^\n]*[.]$", class = "rc2_error")
})

test_that("what is not allowed is one sentence", {
  expect_error(store$ls("/user/bob"), "Permission denied: user=alice.*; ask the owner", class = "rc2_error")
  expect_error(store$ls("../bob"), "A path must be absolute, without", class = "rc2_error")
  expect_error(store$mkdir("a:b"), "nvalid path", class = "rc2_error")
  expect_error(store$read_csv("."), "is a folder; list it with ls()", class = "rc2_error", fixed = TRUE)
  expect_error(store$put(here("nothing")), "There is no file", class = "rc2_error")
  expect_error(store$ls(c("a", "b")), "must be one text", class = "rc2_error")
  expect_error(rc2_connect(service), "is no database; use store <- rc2_hdfs", class = "rc2_error")
})

test_that("the object says what it can do", {
  expect_output(print(store), "your folder is /user/alice\n  \\$ls\\(\\)")
})

test_that("a detached service is named", {
  file <- file.path(Sys.getenv("RC2_ATTACHMENTS_DIR"), "attachments.json")
  before <- readLines(file)
  on.exit(writeLines(before, file))
  writeLines('{"attachments": []}', file)
  expect_error(store$ls(), "is not attached to this server any more", class = "rc2_error")
})

test_that("a time limit, and so an interrupt, ends a transfer and leaves no file", {
  hole <- file(here("hole"), "wb")
  seek(hole, 2^30)
  writeBin(raw(1), hole)
  close(hole)
  limited <- function(code) {
    setTimeLimit(elapsed = 0.5)
    on.exit(setTimeLimit())
    code
  }
  before <- store$ls()$name
  expect_error(limited(store$put(here("hole"), "hole")), "time limit")
  expect_equal(store$ls()$name, before)
  store$put(here("binary"), "after")
  expect_equal(store$info("after")$size, file.size(here("binary")))
})

everything <- data.frame(l = c(TRUE, NA), i = c(1L, NA), d = c(0.5, NaN), s = c("\u00fc", NA), day = as.Date(c("2026-01-02", NA)),
  t = as.POSIXct(c(1e9 + 0.25, NA), origin = "1970-01-01", tz = "UTC"))
everything$big <- bit64::as.integer64(c("9007199254740993", NA))
everything$cells <- list(1:2, NULL)

test_that("a data frame comes back from Parquet as it was", {
  Sys.setenv(TZ = "UTC")
  store$write_parquet(everything, "all.parquet", overwrite = TRUE)
  expect_equal(store$read_parquet("all.parquet"), everything)
  expect_equal(store$read_parquet("all.parquet", columns = c("s", "i")), everything[c("s", "i")])
  expect_identical(store$read_parquet("all.parquet", bigint = "character")$big, c("9007199254740993", NA))
  expect_equal(store$read_parquet("all.parquet", columns = "s")$s, everything$s)
  store$write_parquet(data.frame(a = factor(c("x", "y"))), "factor.parquet", overwrite = TRUE)
  expect_equal(store$read_parquet("factor.parquet"), data.frame(a = c("x", "y")))
  store$write_parquet(data.frame(a = integer()), "empty.parquet", overwrite = TRUE)
  expect_equal(store$read_parquet("empty.parquet"), data.frame(a = integer()))
  expect_error(store$write_parquet(everything, "all.parquet"), "exists; overwrite = TRUE", class = "rc2_error")
})

test_that("a folder of Parquet files is one data frame", {
  for (i in 1:3) store$write_parquet(data.frame(i = i), paste0("parts/part-", i, ".parquet"))
  writeBin(raw(), here("_SUCCESS"))
  store$put(here("_SUCCESS"), "parts/_SUCCESS")
  expect_equal(store$read_parquet("parts"), data.frame(i = c(1, 2, 3)))
  store$write_parquet(data.frame(other = 1), "parts/part-4.parquet")
  expect_error(store$read_parquet("parts"), "different columns", class = "rc2_error")
  store$rm("parts", recursive = TRUE)
})

test_that("what Parquet or R cannot hold is refused, with the place", {
  expect_error(store$write_parquet(data.frame(t = as.POSIXct(Inf, origin = "1970-01-01")), "inf.parquet"),
    "The column t has infinite times", class = "rc2_error")
  expect_error(store$write_parquet(list(1), "x.parquet"), "takes a data frame", class = "rc2_error")
  expect_error(store$read_parquet("after"), "after: .*Parquet", class = "rc2_error")
  expect_error(store$read_parquet("all.parquet", columns = "none"), "none", class = "rc2_error")
  expect_error(store$read_parquet("small"), "no Parquet file", class = "rc2_error")
})
