# Runs each edit of cases.R, in one R and with another R after the edit, which has what the first one kept; and the edited
# document in a new R. Prints for each case, as a line of JSON, whether the results are the same, and which chunks ran in vain,
# also with two R. Arguments: the folder of the engine, and that of the cases. ASCII only.
folders <- normalizePath(commandArgs(trailingOnly = TRUE))
for (package in c("RSQLite", "ggplot2", "DBI", "rmarkdown", "knitr", "digest", "R6")) loadNamespace(package)
sys.source(file.path(folders[[2]], "cases.R"), env <- new.env())

text_of <- function(chunk) {
  if (startsWith(chunk, "```")) return(paste0(chunk, "\n"))
  if (startsWith(chunk, "Text:")) return(paste0("\n", sub("^Text: ", "", chunk), "\n"))
  sprintf("```{r}\n%s\n```\n", chunk)
}

# Not in the folder of this session, as what is there is not kept.
new_folder <- function(name) file.path(dirname(tempdir()), basename(tempfile(name)))

# The results of the last document, and which of its pieces ran then. In a process of its own, which keeps them in a file.
results_of <- function(documents, place, kept = NULL) {
  figures <- new_folder("figures-")
  job <- parallel::mcparallel({
    setwd(place)
    live <- new.env()
    for (file in c("values", "settings", "pieces", "trace", "knitting", "pass", "keep", "engine")) {
      sys.source(file.path(folders[[1]], paste0(file, ".R")), live)
    }
    live$open_document(figures, kept = kept)
    for (document in documents) {
      output <- character()
      ran <- integer()
      live$update_document("", vapply(document, text_of, ""), function(i, record, did) {
        output[[i]] <<- record$output$markdown
        if (did) ran <<- union(ran, i)
      })
    }
    if (!is.null(kept)) live$keep_records()
    # figures by their content
    files <- unique(unlist(regmatches(output, gregexpr("/[^ \")]*figures-[^ \")]*[.]png", output))))
    for (file in files) output <- gsub(file, tools::md5sum(file), output, fixed = TRUE)
    list(output = output, ran = sort(ran))
  })
  found <- parallel::mccollect(job)[[1]]
  unlink(figures, recursive = TRUE)
  if (is.list(found)) found else list(output = conditionMessage(attr(found, "condition")), ran = integer())
}

in_new_folder <- function(work) {
  dir.create(place <- new_folder("document-"))
  on.exit(unlink(place, recursive = TRUE))
  work(place)
}

for (case in env$cases) {
  live <- in_new_folder(function(place) results_of(list(case$before, case$after), place))
  later <- in_new_folder(function(place) {
    kept <- tempfile(fileext = ".rds")
    results_of(list(case$before), place, kept)
    results_of(list(case$after), place, kept)
  })
  fresh <- in_new_folder(function(place) results_of(list(case$after), place))
  right <- length(live$ran) > 0 && identical(live$output, fresh$output)
  right_later <- length(later$ran) > 0 && identical(later$output, fresh$output)
  found <- list(name = case$name, right = right, right_later = right_later, in_vain = I(setdiff(live$ran, case$runs)),
    in_vain_later = I(setdiff(later$ran, case$runs)), different = if (!right || !right_later) list(live, later, fresh))
  cat(jsonlite::toJSON(found, auto_unbox = TRUE), "\n", sep = "")
}
