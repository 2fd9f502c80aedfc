# dplyr: what dbplyr does for PostgreSQL holds for this package's connections, too.

# Registers dbplyr's and dplyr's methods for RPostgres' class for the connections of this package, whatever their version
# has.
use_postgres_methods <- function(...) {
  for (package in intersect(c("dplyr", "dbplyr"), loadedNamespaces())) {
    methods <- get(".__S3MethodsTable__.", envir = asNamespace(package))
    for (name in grep("\\.PqConnection$", ls(methods), value = TRUE)) {
      generic <- sub("\\.PqConnection$", "", name)
      if (exists(generic, envir = asNamespace(package))) {
        registerS3method(generic, "Rc2PostgresConnection", get(name, envir = methods), envir = asNamespace(package))
      }
    }
  }
  # while dbplyr loads, dplyr is there before dbplyr has its functions
  if ("dbplyr" %in% loadedNamespaces() && exists("dbplyr_edition", envir = asNamespace("dbplyr"))) use_own_methods()
}

dbplyr_method <- function(generic, class) utils::getS3method(generic, class, envir = asNamespace("dbplyr"))

use_own_methods <- function() {
  own <- list(Rc2PostgresConnection = postgres_methods(), SparkConnection = spark_methods())
  for (class in names(own)) {
    for (generic in names(own[[class]])) {
      known <- exists(generic, envir = asNamespace("dbplyr")) # not each version of dbplyr has all of them
      if (known) registerS3method(generic, class, own[[class]][[generic]], envir = asNamespace("dbplyr"))
    }
    verbs <- c(order_methods(), sample_methods(), filtering_joins(), list(filter = filter_after_windows, count = count_without_groups))
    for (verb in names(verbs)) registerS3method(verb, paste0("tbl_", class), verbs[[verb]], envir = asNamespace("dplyr"))
  }
}

# dplyr 1.0 has a method of its own for SQL tables, which leaves the counts grouped by all columns but the last: a share of all
# rows would be one of a group. dbplyr's leaves the groups of `x`, as that of data frames.
count_without_groups <- function(x, ...) dbplyr_method("count", "tbl_lazy")(x, ...)

postgres_methods <- function() list(
  dbplyr_edition = function(con) 2L,
  db_connection_describe = describe_postgres,
  sql_translation = postgres_translation,
  db_sql_render = render_counted,
  sql_query_select = postgres_query_select,
  sql_escape_date = escape_day,
  sql_escape_datetime = escape_instant("TIMESTAMP WITH TIME ZONE"))

describe_postgres <- function(con, ...) {
  info <- con@state$info
  paste0("PostgreSQL ", info$server_version, " [", info$role, "@", con@state$service, "/", info$dbname, "]")
}

# Methods for the lazy tables of both services, of generics of a package that may not be loaded yet.
register_lazy_methods <- function(package, methods) {
  if (!isNamespaceLoaded(package)) return()
  for (class in c("tbl_Rc2PostgresConnection", "tbl_SparkConnection")) {
    for (generic in names(methods)) registerS3method(generic, class, methods[[generic]], envir = asNamespace(package))
  }
}

.onLoad <- function(libname, pkgname) {
  use_postgres_methods()
  for (package in c("dplyr", "dbplyr")) setHook(packageEvent(package, "onLoad"), use_postgres_methods)
  use_selection_methods()
  setHook(packageEvent("tidyselect", "onLoad"), use_selection_methods)
  use_tidyr_methods()
  setHook(packageEvent("tidyr", "onLoad"), use_tidyr_methods)
  use_broom_methods()
  setHook(packageEvent("generics", "onLoad"), use_broom_methods)
  use_plot_methods()
  setHook(packageEvent("ggplot2", "onLoad"), use_plot_methods)
  use_notebook_methods()
  setHook(packageEvent("repr", "onLoad"), use_notebook_methods)
  use_knit_methods()
  setHook(packageEvent("knitr", "onLoad"), use_knit_methods)
}
