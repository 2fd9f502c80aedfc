# The settings of the session that a chunk can change for the chunks below it. ASCII only.

# What changes by itself.
volatile <- c("device", "knitr.in.progress", "knitr.duplicate.label", "rstudio.notebook.executing", "width", "rc2.failed")

# options, environment variables, knitr's settings and the locale; and the search path, of which each chunk sees only what it
# looks up.
take_settings <- function() {
  own <- function(values) values[setdiff(names(values), volatile)]
  list(
    options = own(options()),
    variables = own(Sys.getenv()),
    knitr = c(lapply(knitr_settings(), function(kept) kept$get()), list(knitr::opts_knit$get("root.dir"))),
    locale = Sys.getlocale(),
    search = search(),
    attached = attached_data()
  )
}

SESSION <- c("options", "variables", "knitr", "locale")
PATH <- c("search", "attached")

knitr_settings <- function() list(knitr::opts_chunk, knitr::opts_template, knitr::opts_hooks, knitr::knit_hooks)

# What attach() has put on the search path.
attached_data <- function() {
  places <- grep("^(package:|tools:|\\.GlobalEnv|Autoloads|org:)", search(), invert = TRUE, value = TRUE)
  sapply(places, function(place) as.list(as.environment(place), all.names = TRUE), simplify = FALSE)
}

restore_settings <- function(wanted) {
  now <- take_settings()
  if (!identical(now$options, wanted$options)) {
    gone <- setdiff(names(now$options), names(wanted$options))
    options(c(wanted$options, stats::setNames(vector("list", length(gone)), gone)))
  }
  if (!identical(now$variables, wanted$variables)) {
    Sys.unsetenv(setdiff(names(now$variables), names(wanted$variables)))
    do.call(Sys.setenv, as.list(wanted$variables))
  }
  if (!identical(now$knitr, wanted$knitr)) {
    kept <- knitr_settings()
    for (i in seq_along(kept)) kept[[i]]$restore(wanted$knitr[[i]])
    knitr::opts_knit$set(root.dir = wanted$knitr[[length(kept) + 1]])
  }
  if (!identical(now$locale, wanted$locale)) Sys.setlocale(locale = wanted$locale)
  if (!identical(now[PATH], wanted[PATH])) restore_path(now, wanted)
}

restore_path <- function(now, wanted) {
  for (place in intersect(c(setdiff(now$search, wanted$search), names(now$attached)), search())) {
    detach(place, character.only = TRUE)
  }
  for (place in rev(setdiff(wanted$search, search()))) {
    position <- match(place, wanted$search)
    if (startsWith(place, "package:")) {
      suppressMessages(attachNamespace(sub("package:", "", place, fixed = TRUE), pos = position))
    } else {
      attach(wanted$attached[[place]], name = place, pos = position, warn.conflicts = FALSE)
    }
  }
}

exports <- new.env() # the names in each package, which do not change

# A package that is not attached now was attached before.
names_in <- function(place) {
  if (place %in% search()) ls(as.environment(place), all.names = TRUE) else getNamespaceExports(sub("package:", "", place))
}

# Where on the search path each name is found, "" if nowhere.
find_names <- function(names, path, attached) {
  found <- stats::setNames(character(length(names)), names)
  for (place in setdiff(path, c(".GlobalEnv", "Autoloads"))) {
    data <- attached[[place]]
    if (is.null(data) && is.null(exports[[place]])) exports[[place]] <- names_in(place)
    hit <- found == "" & names %in% (if (is.null(data)) exports[[place]] else names(data))
    found[hit] <- if (is.null(data)) place else paste(place, digest::digest(data))
  }
  found
}
