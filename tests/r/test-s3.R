# What users do with rc2_s3(), in their words.
store <- rc2_s3(service)
here <- function(...) file.path(tempdir(), ...)

test_that("a file is put, listed, described, read and removed", {
  writeBin(charToRaw("a,b\n1,x\n2,y\n"), here("table.csv"))
  expect_equal(store$put(here("table.csv"), "own/table.csv"), "/users/alice/own/table.csv")
  listed <- store$ls("own")
  expect_equal(listed[c("name", "type", "size")], data.frame(name = "table.csv", type = "file", size = 12))
  expect_lt(abs(difftime(listed$modified, Sys.time(), units = "secs")), 600)
  expect_equal(store$ls("own/table.csv")$size, 12)
  expect_equal(store$info("own/table.csv")[c("path", "type", "size")],
    list(path = "/users/alice/own/table.csv", type = "file", size = 12))
  expect_equal(store$info("own")$type, "folder")
  expect_equal(store$read_csv("/users/alice/own/table.csv"), data.frame(a = 1:2, b = c("x", "y")))
  expect_true("own" %in% store$ls()$name)
  store$get("own/table.csv", here("back.csv"))
  expect_equal(readLines(here("back.csv")), c("a,b", "1,x", "2,y"))
  store$rm("own", recursive = TRUE)
  expect_error(store$ls("nowhere"), "/users/alice/nowhere does not exist; list a folder with ls\\(\\)\\.$", class = "rc2_error")
  expect_error(store$read_csv("own/table.csv"), "does not exist", class = "rc2_error")
})

source("any_store.R", local = TRUE)

test_that("odd names are names", {
  writeLines("x", here("odd"))
  for (name in c("a b", "100%", "%41", "a+b", "\u00fc \u00df \u20ac", "a;b=c&d?e#f", "'\"", "<&amp;>", "a:b", "&#65;")) {
    store$put(here("odd"), paste0("odd/", name))
    expect_equal(store$ls("odd")$name, name)
    expect_equal(store$read_csv(paste0("odd/", name), header = FALSE)$V1, "x")
    store$mv("odd", "odder")
    store$rm("odder", recursive = TRUE)
  }
})

test_that("nothing is replaced unless the user says it", {
  writeLines("1", here("one"))
  writeLines("2", here("two"))
  store$put(here("one"), "kept")
  store$put(here("two"), "other")
  expect_error(store$put(here("two"), "kept"), "/users/alice/kept exists; overwrite = TRUE replaces it", class = "rc2_error")
  expect_error(store$mv("other", "kept"), "overwrite = TRUE replaces a file", class = "rc2_error")
  store$mv("other", "kept", overwrite = TRUE)
  expect_equal(store$read_csv("kept", header = FALSE)$V1, 2)
  expect_error(store$info("other"), "does not exist", class = "rc2_error")
  store$mv("kept", "folder/inside/kept")
  expect_error(store$rm("folder"), "is a folder; recursive = TRUE removes it", class = "rc2_error")
  expect_error(store$mv("folder", "folder/inside"), "is in /users/alice/folder itself", class = "rc2_error")
  store$rm("folder", recursive = TRUE)
  expect_error(store$rm("folder"), "does not exist", class = "rc2_error")
})

test_that("what is not allowed is one sentence", {
  expect_error(store$ls("/users/bob"), "users/bob/ is in no folder of yours; yours: users/alice/ and groups/staff/\\.$",
    class = "rc2_error")
  expect_error(store$put(here("one"), "/users/bob/one"), "is in no folder of yours", class = "rc2_error")
  expect_error(store$ls("/"), "is in no folder of yours", class = "rc2_error")
  expect_error(store$ls("../bob"), "A key must not have an empty part", class = "rc2_error")
  expect_error(rc2_connect(service), "is no database; use store <- rc2_s3", class = "rc2_error")
  expect_error(rc2_hdfs(service), "is no HDFS", class = "rc2_error")
})

test_that("members of a group share its folder", {
  expect_s3_class(store$ls("/groups/staff"), "data.frame") # other tests may have files in it
  store$write_parquet(mtcars, "/groups/staff/cars.parquet")
  expect_equal(nrow(store$read_parquet("/groups/staff/cars.parquet", columns = "mpg")), 32)
  store$rm("/groups/staff/cars.parquet")
})

test_that("a data frame comes back from Parquet as it was, and a folder of files is one", {
  rows <- data.frame(l = c(TRUE, NA), i = c(1L, NA), d = c(0.5, NaN), s = c("\u00fc", NA), day = as.Date(c("2026-01-02", NA)))
  store$write_parquet(rows, "all.parquet")
  expect_equal(store$read_parquet("all.parquet"), rows)
  expect_error(store$write_parquet(rows, "all.parquet"), "exists; overwrite = TRUE", class = "rc2_error")
  for (i in 1:3) store$write_parquet(data.frame(i = i), paste0("parts/part-", i, ".parquet"))
  expect_equal(store$read_parquet("parts"), data.frame(i = c(1, 2, 3)))
})

test_that("a folder of more files than one answer holds is listed and removed as a whole", {
  writeLines("x", here("small"))
  utils::assignInNamespace("S3_LIST_LIMIT", 2, "rc2")
  on.exit(utils::assignInNamespace("S3_LIST_LIMIT", 1000, "rc2"))
  for (i in 1:5) store$put(here("small"), paste0("many/", i))
  expect_equal(store$ls("many")$name, as.character(1:5))
  store$rm("many", recursive = TRUE)
  for (i in 1:5) expect_error(store$info(paste0("many/", i)), "does not exist", class = "rc2_error")
})

test_that("the object says what it can do, and a detached service is named", {
  expect_output(print(store), "S3 s3, your folder is /users/alice\n  \\$ls\\(\\)")
  file <- file.path(Sys.getenv("RC2_ATTACHMENTS_DIR"), "attachments.json")
  before <- readLines(file)
  on.exit(writeLines(before, file))
  writeLines('{"attachments": []}', file)
  expect_error(store$ls(), "is not attached to this server any more; rc2_s3\\(", class = "rc2_error")
})

test_that("a time limit, and so an interrupt, ends a transfer and leaves no file", {
  hole <- file(here("hole"), "wb")
  seek(hole, 2^30)
  writeBin(raw(1), hole)
  close(hole)
  setTimeLimit(elapsed = 0.5)
  on.exit(setTimeLimit())
  expect_error(store$put(here("hole"), "hole"), "time limit")
  setTimeLimit()
  expect_false("hole" %in% store$ls()$name)
})
