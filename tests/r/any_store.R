# What users do with rc2_hdfs() and rc2_s3() alike: `store` is one of them, and `here` names a file of R.
test_that("binary content and an empty file are the same afterwards", {
  for (content in list(as.raw(rep(0:255, 20000)), raw())) {
    writeBin(content, here("binary"))
    store$put(here("binary"), "binary", overwrite = TRUE)
    store$get("binary", here("binary back"), overwrite = TRUE)
    expect_identical(readBin(here("binary back"), raw(), 1e7), content)
  }
})
