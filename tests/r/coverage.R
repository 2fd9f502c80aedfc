# Prints which percentage of the R package's lines its tests run: coverage.R <package folder> <services of PostgreSQL, HDFS and S3>
# Needs the R package covr, and the environment of tests/r_coverage.py.
arguments <- commandArgs(TRUE)
package <- normalizePath(arguments[[1]])
postgres <- arguments[[2]]
stores <- c(hdfs = arguments[[3]], s3 = arguments[[4]])
tests <- dirname(dirname(normalizePath(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))))

# test-dplyr.R is for readers; these need a grant to write.
scripts <- list(
  c("r/run_help.R", package),
  c("r/run_pipelines.R", postgres, "postgres"), c("r/run_pipelines.R", "spark", "spark"),
  c("r/run.R", file.path(tests, "r", "test-postgres.R"), postgres),
  c("r/run.R", file.path(tests, "r", "test-long-writes.R"), postgres), c("r/run.R", file.path(tests, "r", "test-spark.R"), "spark"),
  c("dbitest.R", postgres, "postgres"), c("dbitest.R", "spark", "spark"))
models <- list.files(file.path(tests, "r"), "^test-(machine-learning|ml|ft|formulas|spark-apply)", full.names = TRUE)
scripts <- c(scripts, lapply(models, function(file) c("r/run.R", file, "spark")))
for (store in names(stores)) {
  scripts <- c(scripts, list(c("r/run.R", file.path(tests, "r", sprintf("test-%s.R", store)), stores[[store]])))
}
# Each script is a process of its own, which loads the instrumented package; one that fails stays visible.
run <- function(script) {
  call <- shQuote(c(file.path(tests, script[[1]]), script[-1]))
  deparse1(bquote(if (system2("Rscript", .(call), stdout = FALSE, stderr = FALSE) != 0) {
    cat(.(paste("FAILED:", paste(script, collapse = " "))), "\n", file = .(failures), append = TRUE)
  }))
}
failures <- tempfile("failures")
coverage <- covr::package_coverage(package, type = "tests", code = unlist(lapply(scripts, run)))
if (file.exists(failures)) writeLines(readLines(failures))
lines <- covr::tally_coverage(coverage, by = "line")
by_file <- tapply(lines$value > 0, lines$filename, mean)
cat(sprintf("%5.1f %%  %s\n", 100 * by_file, names(by_file)), sep = "")
untested <- lines[lines$value == 0, ]
cat(sprintf("not run: %s:%d\n", untested$filename, untested$line), sep = "")
cat(sprintf("%.1f %% of %d lines\n", covr::percent_coverage(coverage, by = "line"), nrow(lines)))
