# What is known of a chunk, or of text with inline R, before it runs. ASCII only.

FENCE <- "^[\t >]*```+\\s*\\{"
OPTION_LINE <- "^(#|--|//|%%?)\\| ?" # an option of a chunk in its own code
NAME <- "^[A-Za-z.][A-Za-z0-9._]*$"
MAX_STRING <- 300L # characters of a string that may name a file
# Their code can look up variables in another process, where that is not observed.
FORKING <- c("mclapply", "mcmapply", "pvec", "mcparallel", "foreach", "future", "parLapply", "clusterExport", "future_map")
# They change what belongs to no variable: classes, methods, and settings that packages keep for themselves.
HIDDEN <- paste0("^(set(Class|Method|Generic|RefClass|Validity|ClassUnion|DTthreads)|registerS3method|assignInNamespace|trace|untrace",
  "|theme_(set|update|replace|gtsummary.*)|update_(geom|stat)_defaults|set_.*_defaults|plan|register[A-Z].*|conflicts?_prefer.*",
  "|use_(python|virtualenv|condaenv))$")
SETTER <- "(^|[._])(set|update|replace|register|prefer)([._]|$)|[._](options|mode|defaults)$"
# The settings of knitr are observed.
OBSERVED_SETTER <- "^(knitr::)?(opts_chunk|opts_template|opts_hooks|knit_hooks)\\$"
# Their code is elsewhere, and can change what is not observed.
SOURCING <- c("source", "sys.source", "load_all", "dyn.load", "library.dynam", "eval", "knit_child")
# What they give belongs to this session, and may be a credential.
NOT_KEPT <- "^(Sys[.]getenv|rc2_.*)$"
LISTING <- c("ls", "objects", "exists", "mget", "save.image", "apropos")

known_pieces <- new.env() # by text

# All pieces of a document that run, in order.
read_pieces <- function(texts) {
  chunks <- lapply(texts, read_chunk)
  labels <- vapply(chunks, function(chunk) chunk$label, "")
  codes <- stats::setNames(lapply(chunks, function(chunk) chunk$lines), labels)
  has_code <- nzchar(labels) & lengths(codes) > 0
  is_repeated <- has_code & duplicated(ifelse(has_code, labels, NA), incomparables = NA)
  lapply(seq_along(texts), function(i) {
    others <- if (uses_other_chunks(texts[[i]], chunks[[i]], labels[has_code])) {
      codes[has_code & seq_along(texts) != i]
    }
    problem <- if (is_repeated[[i]]) {
      sprintf("Another chunk has the label %s, and knitr refuses the same label twice; give this one another.", labels[[i]])
    }
    read_piece(texts[[i]], chunks[[i]], others, problem)
  })
}

# Whether it runs the code of other chunks: an empty chunk does with their label, others by ref.label or <<label>>.
uses_other_chunks <- function(text, chunk, labels) {
  grepl("<<|ref\\.label|knit_code|all_labels", text) || (length(chunk$lines) == 0 && chunk$label %in% labels)
}

# Engine, label and code of a chunk; of a text, its inline R.
read_chunk <- function(text) {
  lines <- strsplit(text, "\r?\n|\r")[[1]]
  if (!length(lines) || !grepl(FENCE, lines[[1]])) return(read_text(text))
  bare <- sub("^[\t >]*", "", lines)
  header <- sub("^```+\\s*\\{(.*)\\}\\s*$", "\\1", bare[[1]])
  code <- bare[-1]
  if (length(code) && grepl("^```+\\s*$", code[[length(code)]])) code <- code[-length(code)]
  count <- match(FALSE, grepl(OPTION_LINE, code), length(code) + 1) - 1
  if (count > 0) {
    header <- paste0(header, ", ", options_of(sub(OPTION_LINE, "", utils::head(code, count))))
    code <- utils::tail(code, -count)
  }
  list(engine = tolower(sub("[^A-Za-z0-9_].*", "", header)), label = label_of(header), header = header, lines = code)
}

label_of <- function(header) {
  first <- regmatches(header, regexec("^[A-Za-z0-9_]+[ ,]*([^,=]*)(,|$)", header))[[1]]
  named <- regmatches(header, regexec("\\blabel *= *[\"']([^\"']+)", header))[[1]]
  trimws(c(named[-1], first[2], "")[!is.na(c(named[-1], first[2], ""))][[1]])
}

# Lines of options as they stand in a header: those of YAML, `key: value`, and those that are R already.
options_of <- function(lines) {
  if (!grepl("^[^ :]+:($|\\s)", lines[[1]])) return(paste(lines, collapse = " "))
  pairs <- regmatches(lines, regexec("^([A-Za-z][A-Za-z0-9._-]*): +(.+)$", lines))
  paste(vapply(Filter(length, pairs), function(pair) {
    value <- gsub("^[\"']|[\"']$", "", trimws(pair[[3]]))
    value <- if (startsWith(value, "!expr ")) substring(value, 7) else deparse(value)
    paste0(gsub("-", ".", pair[[2]], fixed = TRUE), "=", paste(value, collapse = ""))
  }, ""), collapse = ", ")
}

read_text <- function(text) {
  inline <- regmatches(text, gregexpr("(?<=`r[ #])[^`]+(?=`)", text, perl = TRUE))[[1]]
  list(engine = "", label = "", header = "", lines = inline)
}

# A piece as it is run; one with a problem is not run. Two with the same key have the same record, if what they read is the same.
read_piece <- function(text, chunk, others, problem) {
  key <- paste(c(text, problem, names(others), unlist(others)), collapse = "\n")
  if (!is.null(known_pieces[[key]])) return(known_pieces[[key]])
  code <- paste(chunk$lines, collapse = "\n")
  strings <- strings_of(paste(chunk$header, code, sep = "\n"))
  options <- sub("^[A-Za-z0-9_]+[ ,]*([^,=]*(,|$))?", "", chunk$header)
  symbols <- c(symbols_of(if (chunk$engine %in% c("", "r")) code else ""), symbols_of(sprintf("list(%s)", options)),
    symbols_of(unlist(others)), grep(NAME, strings, value = TRUE))
  outside <- outside_of(chunk$engine, symbols, strings)
  hides <- any(grepl(HIDDEN, symbols)) || calls_setter(code)
  known_pieces[[key]] <- list(
    text = text, key = key, problem = problem, others = others, strings = strings, symbols = unique(symbols),
    outside = outside,
    forks = any(FORKING %in% symbols),
    lists = any(LISTING %in% symbols),
    hides = hides,
    repeats = hides || "python" %in% outside || any(SOURCING %in% symbols) || grepl("\\bchild\\b", chunk$header),
    lasts = !any(grepl(NOT_KEPT, symbols)) && !"service" %in% outside && !any(strings %in% names(Sys.getenv())),
    seeds = "set.seed" %in% symbols
  )
}

symbols_of <- function(code) tryCatch(all.names(parse(text = code, keep.source = FALSE)), error = function(error) character())

strings_of <- function(code) {
  found <- regmatches(code, gregexpr("\"[^\"\n]*\"|'[^'\n]*'", code, perl = TRUE))[[1]]
  unique(substr(found, 2, nchar(found) - 1)[nchar(found) < MAX_STRING])
}

# Other settings are changed by a call whose value is not used: `tmap_mode("view")`, but not `x <- str_replace(...)`.
calls_setter <- function(code) {
  expressions <- tryCatch(as.list(parse(text = code, keep.source = FALSE)), error = function(error) list())
  is_observed <- vapply(expressions, function(e) {
    is.call(e) && (as.character(e[[1]])[[1]] %in% c("<-", "=", "<<-", "->") || grepl(OBSERVED_SETTER, deparse(e[[1]])[[1]]))
  }, NA)
  any(grepl(SETTER, setdiff(unlist(lapply(expressions[!is_observed], all.names)), "set.seed")))
}

# State outside of R that a piece may change: Python's variables, and the tables of a shared service.
outside_of <- function(engine, symbols, strings) {
  c(
    if (engine == "python" || any(c("py", "py_run_string", "py_run_file", "source_python") %in% symbols)) "python",
    if ("rc2_connect" %in% symbols || (engine == "sql" && any(grepl(NAME, strings)))) "service"
  )
}
