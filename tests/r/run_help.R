# Runs the examples of all help pages and the code of all vignettes: run_help.R <package folder>
package <- commandArgs(TRUE)[[1]]
library(rc2)
pdf(NULL) # plots of examples leave no file

for (page in list.files(file.path(package, "man"), "\\.Rd$", full.names = TRUE)) {
  message("Examples of ", basename(page))
  code <- tempfile(fileext = ".R")
  tools::Rd2ex(page, code)
  source(code, local = new.env(), print.eval = TRUE)
}

for (vignette in list.files(file.path(package, "vignettes"), "\\.Rmd$", full.names = TRUE)) {
  message("Vignette ", basename(vignette))
  result <- rmarkdown::render(vignette, "md_document", output_dir = tempdir(), intermediates_dir = tempdir(), quiet = TRUE,
    envir = new.env())
  writeLines(readLines(result))
}
