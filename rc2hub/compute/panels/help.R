# R's help for the panel Help of JupyterLab: the pages of R's own help server, which is not started. Each window of the browser
# opens a comm with each R in which the user works; without one, R shows its help as it always does. ASCII only.

vignettes_address <- "/rc2/vignettes"
windows <- new.env() # comm's id to comm
httpd <- asNamespace("tools")$httpd # what the server would answer, by path and query; it is R's only way to the whole help

opened <- function(comm, message) {
  assign(comm$id, comm, envir = windows)
  comm$on_close(function() rm(list = comm$id, envir = windows))
  answer_with(comm, function(message) page(if (is.null(message$find)) message$address else find_topic(message$find)))
}

# Shows what a cell has as its value, if that is help.
show_help <- function(object) {
  address <- if (length(ls(windows))) address_of(object)
  if (is.null(address)) return(FALSE)
  shown <- page(address)
  for (window in as.list(windows)) window$send(list(page = shown))
  TRUE
}

# The address of a page on R's help server, or NULL.
address_of <- function(object) {
  if (inherits(object, "help_files_with_topic")) return(address_of_topic(object))
  if (inherits(object, "hsearch")) return(address_of_search(object))
  if (inherits(object, "packageInfo")) return(sprintf("/library/%s/html/00Index.html", object$name))
  if (inherits(object, "vignette") && nzchar(object$PDF)) {
    return(sprintf("/library/%s/doc/%s", basename(object$Dir), object$PDF))
  }
  if (inherits(object, "browseVignettes")) return(address_of_vignettes(names(object)))
  if (inherits(object, "packageIQR") && identical(object$type, "vignette")) {
    return(address_of_vignettes(object$results[, "Package"]))
  }
}

# R's own sentence is shown where there is none.
address_of_topic <- function(files) {
  if (length(files) == 1L) {
    return(sprintf("/library/%s/html/%s.html", basename(dirname(dirname(files))), encoded(basename(files))))
  }
  if (length(files)) paste0("/library/NULL/help/", encoded(attr(files, "topic")))
}

address_of_search <- function(search) {
  flags <- c(paste0("fields.", search$fields), paste0("types.", search$types))
  query <- c(
    pattern = search$pattern, stats::setNames(rep("1", length(flags)), flags), ignore.case = as.integer(search$ignore.case),
    agrep = if (search$type == "regexp") 0L, package = if (length(search$package)) paste(search$package, collapse = ";"))
  paste0("/doc/html/Search?", paste0(names(query), "=", encoded(query), collapse = "&"))
}

address_of_vignettes <- function(packages) {
  if (length(packages)) paste0(vignettes_address, "?package=", encoded(paste(unique(packages), collapse = ";")))
}

encoded <- function(texts) vapply(as.character(texts), utils::URLencode, "", reserved = TRUE)

# What the user looks for: a topic, perhaps of one package; a package; or words of the help.
find_topic <- function(text) {
  parts <- strsplit(text, ":::?")[[1L]]
  if (length(parts) == 2L) return(sprintf("/library/%s/help/%s", encoded(parts[[1L]]), encoded(parts[[2L]])))
  if (length(utils::help((text), help_type = "text", try.all.packages = TRUE))) {
    return(paste0("/library/NULL/help/", encoded(text)))
  }
  if (nzchar(system.file("html", "00Index.html", package = text))) return(sprintf("/library/%s/html/00Index.html", text))
  paste0("/doc/html/Search?pattern=", encoded(text))
}

# A page by its address, which may lead to another one.
page <- function(address) {
  parts <- strsplit(address, "?", fixed = TRUE)[[1L]]
  path <- utils::URLdecode(parts[[1L]])
  query <- if (length(parts) > 1L) query_of(parts[[2L]])
  found <- suppressMessages(own_page(path, query))
  if (identical(found$`status code`, 302L)) return(page(sub("^Location: (\\.\\./)*", "/library/", found$header)))
  type <- if (is.null(found$`content-type`)) "text/html" else sub(";.*", "", found$`content-type`)
  if (!is.null(found$file) && !file.exists(found$file)) stop("R has no page ", path, ".")
  if (!startsWith(type, "text/")) return(list(address = address, type = type, data = base64enc::base64encode(found$file)))
  text <- if (is.null(found$file)) found$payload else readLines(found$file, warn = FALSE)
  list(address = address, type = type, text = as_utf8(paste(text, collapse = "\n")))
}

# Debian has the indices of R's own packages in a package of its own; this one is for all packages.
own_page <- function(path, query) {
  if (path == vignettes_address) return(list(payload = list_vignettes(query)))
  package <- sub("^/library/([^/]*)/html/00Index.html$", "\\1", path)
  index <- if (package != path) system.file("Meta", "Rd.rds", package = package)
  if (length(index) && nzchar(index)) list(payload = list_topics(package, readRDS(index))) else httpd(path, query)
}

query_of <- function(text) {
  pairs <- regmatches(fields <- strsplit(text, "&", fixed = TRUE)[[1L]], regexpr("=", fields), invert = TRUE)
  value <- function(pair) utils::URLdecode(gsub("+", " ", pair[[2L]], fixed = TRUE))
  stats::setNames(vapply(pairs, value, ""), vapply(pairs, `[[`, "", 1L))
}

# R writes its pages in UTF-8 whatever the locale is, and does not mark them; some old files are in Latin-1.
as_utf8 <- function(texts) {
  is_old <- !validUTF8(texts)
  texts[is_old] <- iconv(texts[is_old], "latin1", "UTF-8")
  Encoding(texts) <- "UTF-8"
  texts
}

list_vignettes <- function(query) {
  packages <- if (!is.null(query)) strsplit(query[["package"]], ";", fixed = TRUE)[[1L]]
  found <- as.data.frame(tools::getVignetteInfo(packages), stringsAsFactors = FALSE)
  found <- found[nzchar(found$PDF) & !duplicated(found[c("Package", "PDF")]), ]
  lists <- lapply(split(found, found$Package), function(own) {
    links <- sprintf("<li><a href=\"/library/%s/doc/%s\">%s</a></li>", own$Package, encoded(own$PDF), escaped(own$Title))
    c(sprintf("<h3>%s</h3><ul>", own$Package[[1L]]), links, "</ul>")
  })
  list_page("Vignettes", unlist(lists))
}

list_topics <- function(package, topics) {
  topics <- topics[order(tolower(topics$Name)), ]
  description <- utils::packageDescription(package)
  vignettes <- if (nzchar(system.file("Meta", "vignette.rds", package = package))) {
    sprintf("<p><a href=\"%s?package=%s\">Vignettes</a></p>", vignettes_address, package)
  }
  rows <- sprintf(
    "<tr><td><a href=\"%s.html\">%s</a></td><td>%s</td></tr>", encoded(sub("\\.[Rr]d$", "", topics$File)),
    escaped(topics$Name), escaped(topics$Title))
  list_page(
    paste0("Package ", package, " ", description$Version), sprintf("<p>%s</p>", escaped(description$Title)), vignettes,
    "<table>", rows, "</table>")
}

list_page <- function(title, ...) {
  c("<html><head><title>R: ", title, "</title></head><body><h2>", title, "</h2>", ..., "</body></html>")
}

escaped <- function(texts) htmltools::htmlEscape(as_utf8(texts))

on_value$help <<- show_help
targets$rc2.help <<- opened
