# Runs each edit of cases.R, and the edited document in a new R. Prints for each case, as a line of JSON, whether the results
# are the same, and which chunks ran in vain. Arguments: the folder of the engine, and that of the cases. ASCII only.
folders <- normalizePath(commandArgs(trailingOnly = TRUE))
for (package in c("RSQLite", "ggplot2", "DBI", "rmarkdown", "knitr", "digest", "R6")) loadNamespace(package)
sys.source(file.path(folders[[2]], "cases.R"), env <- new.env())

text_of <- function(chunk) {
  if (startsWith(chunk, "```")) return(paste0(chunk, "\n"))
  if (startsWith(chunk, "Text:")) return(paste0("\n", sub("^Text: ", "", chunk), "\n"))
  sprintf("```{r}\n%s\n```\n", chunk)
}

# The results of the last document, and which of its pieces ran then. In a process of its own.
results_of <- function(documents) {
  job <- parallel::mcparallel({
    dir.create(place <- tempfile())
    setwd(place)
    live <- new.env()
    for (file in c("values", "settings", "pieces", "trace", "knitting", "pass", "engine")) {
      sys.source(file.path(folders[[1]], paste0(file, ".R")), live)
    }
    live$open_document(tempfile("figures-"))
    for (document in documents) {
      output <- character()
      ran <- integer()
      live$update_document("", vapply(document, text_of, ""), function(i, record, did) {
        output[[i]] <<- record$output$markdown
        if (did) ran <<- union(ran, i)
      })
    }
    # figures by their content
    files <- unique(unlist(regmatches(output, gregexpr("/[^ \")]*figures-[^ \")]*[.]png", output))))
    for (file in files) output <- gsub(file, tools::md5sum(file), output, fixed = TRUE)
    list(output = output, ran = sort(ran))
  })
  found <- parallel::mccollect(job)[[1]]
  if (is.list(found)) found else list(output = conditionMessage(attr(found, "condition")), ran = integer())
}

for (case in env$cases) {
  live <- results_of(list(case$before, case$after))
  fresh <- results_of(list(case$after))
  right <- length(live$ran) > 0 && identical(live$output, fresh$output)
  found <- list(name = case$name, right = right, in_vain = I(setdiff(live$ran, case$runs)), different = if (!right) list(live, fresh))
  cat(jsonlite::toJSON(found, auto_unbox = TRUE), "\n", sep = "")
}
