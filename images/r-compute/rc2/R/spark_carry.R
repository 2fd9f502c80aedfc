# What a function takes with it to the executors of Spark: the objects that its code names, from where it was made and from
# the global environment. Functions of packages are only named: the executors load them from their own packages.

MOST_SENT <- 16 * 2^20 # bytes; what goes to Spark in one message is below 32 MiB

# A list as it goes to the executors: `values`, in which functions have what they use, `globals`, which belong in the global
# environment there, and `packages` that are attached here and whose functions are used.
carry <- function(values) {
  sent <- new.env(parent = emptyenv())
  sent$globals <- new.env(parent = emptyenv())
  sent$copies <- list()
  sent$packages <- character()
  sent$sizes <- numeric()
  values <- lapply(values, carry_value, sent)
  list(values = values, globals = as.list(sent$globals), packages = sent$packages, sizes = sent$sizes)
}

carry_value <- function(value, sent) {
  if (is.function(value)) return(carry_function(value, sent))
  if (inherits(value, "formula")) {
    environment(value) <- copy_of(environment(value), sent)
    return(value)
  }
  if (is.list(value) && !is.object(value)) value[] <- lapply(value, carry_value, sent)
  value
}

carry_function <- function(f, sent) {
  home <- environment(f)
  if (is.primitive(f) || is_elsewhere(home)) return(f)
  used <- codetools::findGlobals(f, merge = FALSE)
  for (name in unlist(used)) take_object(name, home, sent)
  for (name in used$functions) take_package(name, home, sent)
  f <- utils::removeSource(f)
  environment(f) <- copy_of(home, sent)
  f
}

# Whether an environment is that of a package, which the executors have or lack. This package's own functions go there.
is_elsewhere <- function(env) is.null(env) || isNamespace(env) && !identical(env, topenv()) || identical(env, baseenv())

# The environment from which a function takes an object; NULL for one of a package that is attached.
home_of <- function(name, env) {
  while (!is_elsewhere(env) && !identical(env, emptyenv())) {
    if (exists(name, envir = env, inherits = FALSE)) return(env)
    if (identical(env, globalenv())) return(NULL)
    env <- parent.env(env)
  }
}

take_object <- function(name, env, sent) {
  home <- home_of(name, env)
  if (is.null(home)) return()
  to <- if (identical(home, globalenv())) sent$globals else copy_of(home, sent)
  if (exists(name, envir = to, inherits = FALSE)) return()
  value <- get(name, envir = home, inherits = FALSE)
  if (inherits(value, c("DBIConnection", "tbl_lazy"))) {
    fail("f uses ", name, ", which belongs to a connection of this session; executors have none, so collect() what f needs.")
  }
  assign(name, NULL, to) # a function that names itself finds itself
  assign(name, carry_value(value, sent), to)
  if (!identical(topenv(home), topenv())) sent$sizes[[name]] <- as.numeric(utils::object.size(value))
}

# A package that is attached here and has the function.
take_package <- function(name, env, sent) {
  if (!is.null(home_of(name, env)) || !exists(name, envir = globalenv(), mode = "function")) return()
  for (place in search()[-1]) {
    if (exists(name, envir = as.environment(place), mode = "function", inherits = FALSE)) {
      package <- sub("^package:", "", place)
      if (startsWith(place, "package:") && !package %in% ATTACHED_BY_R) sent$packages <- union(sent$packages, package)
      return()
    }
  }
}

ATTACHED_BY_R <- c("stats", "graphics", "grDevices", "utils", "datasets", "methods", "base")

# A copy of an environment, in which there are only objects that are used. Those of R itself are their own copies.
copy_of <- function(env, sent) {
  if (is_elsewhere(env) || identical(env, globalenv()) || identical(env, emptyenv())) return(env)
  for (copy in sent$copies) if (identical(copy$from, env)) return(copy$to)
  to <- new.env(parent = copy_of(parent.env(env), sent))
  sent$copies <- c(sent$copies, list(list(from = env, to = to)))
  to
}

# What the executors get at first, as bytes. `work` answers a request there.
sent_with <- function(f, work, packages, ...) {
  if (!is.null(packages) && (!is.character(packages) || anyNA(packages))) {
    fail("packages are names, such as c(\"dplyr\", \"survival\").")
  }
  more <- list(...)
  carried <- carry(c(list(serve = serve_session, work = work, f = f), more))
  attached <- intersect(sub("^package:", "", rev(search())), carried$packages) # in the order in which they hide each other
  sent <- c(carried$values, list(globals = carried$globals, packages = unique(c(attached, packages)),
    libraries = .libPaths(), zone = time_zone()))
  content <- serialize(sent, NULL, xdr = FALSE)
  if (length(content) > MOST_SENT) fail_too_large(length(content), c(carried$sizes, vapply(more, utils::object.size, 0)))
  content
}

fail_too_large <- function(size, sizes) {
  largest <- utils::head(sort(sizes, decreasing = TRUE), 3)
  fail("f takes ", in_mib(size), " with it to the executors, more than ", in_mib(MOST_SENT),
    if (length(largest)) paste0(": ", paste0(names(largest), " (", in_mib(largest), ")", collapse = ", ")),
    "; give it less, or let it read the data as a table of Spark.")
}

in_mib <- function(size) paste(format(round(size / 2^20, 1), trim = TRUE), "MiB")
