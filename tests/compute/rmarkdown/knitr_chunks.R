# First and last line of each chunk of each file, one file a line, as knitr cuts it.
pattern <- knitr::all_patterns$md
for (file in commandArgs(TRUE)) {
  lines <- suppressWarnings(readLines(file, encoding = "UTF-8"))
  begins <- grepl(pattern$chunk.begin, lines)
  ends <- grepl(pattern$chunk.end, lines)
  # an error of knitr itself: a second chunk begins in one that begins in the first line of the file
  group <- tryCatch(suppressWarnings(knitr:::group_indices(begins, ends, lines, TRUE)), error = function(error) NULL)
  if (is.null(group)) {
    writeLines("knitr fails")
    next
  }
  groups <- split(seq_along(lines), factor(group, unique(group)))
  chunks <- Filter(function(numbers) begins[numbers[[1]]], groups)
  writeLines(paste(vapply(chunks, function(numbers) paste0(min(numbers), ":", max(numbers)), ""), collapse = ","))
}
