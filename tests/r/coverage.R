# Prints which percentage of the R package's lines its tests run: coverage.R <package folder> <service of PostgreSQL>
# Needs the R package covr, and the environment of tests/r_coverage.py.
arguments <- commandArgs(TRUE)
package <- normalizePath(arguments[[1]])
postgres <- arguments[[2]]
tests <- dirname(dirname(normalizePath(sub("--file=", "", grep("--file=", commandArgs(), value = TRUE)))))

# test-dplyr.R is for readers; these need a grant to write.
scripts <- list(
  c("r/run_help.R", package),
  c("r/run_pipelines.R", postgres, "postgres"), c("r/run_pipelines.R", "spark", "spark"),
  c("r/run.R", file.path(tests, "r", "test-postgres.R"), postgres),
  c("r/run.R", file.path(tests, "r", "test-long-writes.R"), postgres), c("r/run.R", file.path(tests, "r", "test-spark.R"), "spark"),
  c("r/run.R", file.path(tests, "r", "test-machine-learning.R"), "spark"),
  c("r/run.R", file.path(tests, "r", "test-machine-learning-errors.R"), "spark"),
  c("dbitest.R", postgres, "postgres"), c("dbitest.R", "spark", "spark"))
# Each script is a process of its own, which loads the instrumented package; one that fails stays visible.
run <- function(script) {
  call <- shQuote(c(file.path(tests, script[[1]]), script[-1]))
  deparse1(bquote(if (system2("Rscript", .(call), stdout = FALSE, stderr = FALSE) != 0) {
    cat(.(paste("FAILED:", paste(script, collapse = " "))), "\n", file = .(failures), append = TRUE)
  }))
}
failures <- tempfile("failures")
coverage <- covr::package_coverage(package, type = "tests", code = vapply(scripts, run, ""))
if (file.exists(failures)) writeLines(readLines(failures))
lines <- covr::tally_coverage(coverage, by = "line")
by_file <- tapply(lines$value > 0, lines$filename, mean)
cat(sprintf("%5.1f %%  %s\n", 100 * by_file, names(by_file)), sep = "")
untested <- lines[lines$value == 0, ]
cat(sprintf("not run: %s:%d\n", untested$filename, untested$line), sep = "")
cat(sprintf("%.1f %% of %d lines\n", covr::percent_coverage(coverage, by = "line"), nrow(lines)))
