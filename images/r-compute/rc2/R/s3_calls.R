# Calls to the gateway of an S3 store. Its answers are short XML without attributes that matter, so no parser is needed.

S3_LIST_LIMIT <- 1000 # keys of one answer, and of one call that deletes

# The files whose keys begin with a text; with a delimiter, what is below the next one is a folder.
s3_list <- function(store, start, delimiter = NULL, limit = Inf) {
  pages <- list()
  query <- list(`list-type` = 2, prefix = start, `max-keys` = min(limit, S3_LIST_LIMIT))
  query$delimiter <- delimiter
  repeat {
    text <- s3_call(store, "GET", "", query)
    pages[[length(pages) + 1]] <- s3_page(text)
    token <- xml_values(text, "NextContinuationToken")
    if (!length(token) || is.finite(limit)) break
    query$`continuation-token` <- token
  }
  do.call(rbind, pages)
}

s3_page <- function(text) {
  files <- xml_elements(text, "Contents")
  folders <- xml_values(xml_elements(text, "CommonPrefixes"), "Prefix")
  times <- as.POSIXct(sub("Z$", "", xml_values(files, "LastModified")), format = "%Y-%m-%dT%H:%M:%OS", tz = "UTC")
  files_frame(c(xml_values(files, "Key"), folders), rep(c("file", "folder"), c(length(files), length(folders))),
    c(as.numeric(xml_values(files, "Size")), rep(0, length(folders))), c(as.numeric(times), rep(NA_real_, length(folders))))
}

s3_copy <- function(store, from, to) {
  source <- paste0(store_settings(store)$bucket, "/", s3_escape(from))
  s3_call(store, "PUT", to, headers = c(`x-amz-copy-source` = source))
}

s3_delete <- function(store, keys) {
  for (part in split(keys, ceiling(seq_along(keys) / S3_LIST_LIMIT))) {
    objects <- paste0("<Object><Key>", xml_escape(part), "</Key></Object>", collapse = "")
    s3_call(store, "POST", "", list(delete = ""), content = paste0("<Delete>", objects, "</Delete>"))
  }
}

# The text of an answer. A store begins some answers before it knows that it fails, so an error can come as a success.
s3_call <- function(store, method, key, query = list(), headers = character(), content = NULL) {
  handle <- store_handle(method, headers = headers)
  if (!is.null(content)) curl::handle_setopt(handle, postfields = enc2utf8(content))
  answer <- run_call(store, do.call(s3_url, c(list(store, key), query)), handle)
  text <- if (length(answer$content)) as_utf8(answer$content) else ""
  if (grepl("<Error>", text, fixed = TRUE)) fail_answer(store, answer)
  text
}

fail_answer.rc2_store_s3 <- function(store, answer) {
  text <- if (length(answer$content)) as_utf8(answer$content) else ""
  message <- xml_values(text, "Message")
  if (!length(message)) {
    fail(store$service, ": the store answered with the status ", answer$status_code, "; ask the operator.")
  }
  fail_refused(store, message[[1]], c(xml_values(text, "Code"), "")[[1]], NA_character_)
}

xml_elements <- function(text, name) {
  unlist(regmatches(text, gregexpr(paste0("(?s)<", name, ">.*?</", name, ">"), text, perl = TRUE)))
}

# The texts of the elements with this name.
xml_values <- function(text, name) {
  found <- sub(paste0("(?s)^<", name, ">(.*)</", name, ">$"), "\\1", xml_elements(as.character(text), name), perl = TRUE)
  vapply(found, xml_unescape, "", USE.NAMES = FALSE)
}

XML_NAMES <- c(lt = "<", gt = ">", quot = "\"", apos = "'", amp = "&") # the ampersand is last: it begins all others

xml_unescape <- function(text) {
  for (code in unique(regmatches(text, gregexpr("&#x?[0-9A-Fa-f]+;", text))[[1]])) {
    number <- sub("^x", "0x", substring(code, 3, nchar(code) - 1))
    text <- gsub(code, intToUtf8(strtoi(number, if (startsWith(number, "0x")) 16L else 10L)), text, fixed = TRUE)
  }
  for (name in names(XML_NAMES)) text <- gsub(paste0("&", name, ";"), XML_NAMES[[name]], text, fixed = TRUE)
  text
}

xml_escape <- function(text) {
  for (name in rev(names(XML_NAMES))) text <- gsub(XML_NAMES[[name]], paste0("&", name, ";"), text, fixed = TRUE)
  text
}
