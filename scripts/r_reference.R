# Writes the help and the vignettes of the R package as HTML: r_reference.R <package folder> <output folder>
arguments <- commandArgs(TRUE)
package <- arguments[[1]]
output <- arguments[[2]]

description <- read.dcf(file.path(package, "DESCRIPTION"))[1, ]
macros <- tools::loadPkgRdMacros(package)
files <- list.files(file.path(package, "man"), "\\.Rd$", full.names = TRUE)
pages <- lapply(files, tools::parse_Rd, macros = macros)
names(pages) <- sub("\\.Rd$", "", basename(files))

tags <- function(page, tag) {
  found <- Filter(function(part) identical(attr(part, "Rd_tag"), tag), page)
  vapply(found, function(part) paste(trimws(unlist(part)), collapse = " "), "")
}

# Where a link of a page leads: a page of this package, or the help of R.
targets <- unlist(lapply(names(pages), function(name) {
  aliases <- unique(c(tags(pages[[name]], "\\alias"), tags(pages[[name]], "\\name")))
  stats::setNames(rep(paste0(name, ".html"), length(aliases)), aliases)
}))

unlink(output, recursive = TRUE)
dir.create(output, recursive = TRUE)
invisible(file.copy(file.path(R.home("doc"), "html", "R.css"), output))
for (name in names(pages)) {
  page <- file.path(output, paste0(name, ".html"))
  tools::Rd2HTML(pages[[name]], page, Links = targets, Links2 = character(), stylesheet = "R.css", dynamic = FALSE,
    texmath = "none") # no code of other sites
  # links to other packages, whose help is not here, become text
  html <- readLines(page)
  html <- gsub("<a href=\"(\\.\\./)+[^\"]*\">(.*?)</a>", "\\2", html, perl = TRUE)
  writeLines(sub("</body>", "<p><a href=\"index.html\">Index</a></p></body>", html, fixed = TRUE), page)
}

Sys.unsetenv("RC2_ATTACHMENTS_DIR") # the vignettes show their code and use no service
vignettes <- list.files(file.path(package, "vignettes"), "\\.Rmd$", full.names = TRUE)
for (file in vignettes) rmarkdown::render(file, output_dir = output, intermediates_dir = tempdir(), quiet = TRUE)

link <- function(target, text) sprintf("<li><a href=\"%s\">%s</a></li>", target, text)
vignette_titles <- vapply(vignettes, function(file) rmarkdown::yaml_front_matter(file)$title, "")
topics <- names(pages)
writeLines(c(
  "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><link rel=\"stylesheet\" href=\"R.css\">",
  sprintf("<title>R package %s</title></head><body><div class=\"container\">", description[["Package"]]),
  sprintf("<h1>%s %s: %s</h1>", description[["Package"]], description[["Version"]], description[["Title"]]),
  sprintf("<p>%s</p>", description[["Description"]]),
  "<h2>Vignettes</h2><ul>", link(sub("\\.Rmd$", ".html", basename(vignettes)), vignette_titles), "</ul>",
  "<h2>Help</h2><ul>", link(paste0(topics, ".html"), paste(topics, vapply(pages, tags, "", "\\title"), sep = ": ")), "</ul>",
  "</div></body></html>"
), file.path(output, "index.html"))
