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
  }
}

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

.onLoad <- function(libname, pkgname) {
  use_postgres_methods()
  for (package in c("dplyr", "dbplyr")) setHook(packageEvent(package, "onLoad"), use_postgres_methods)
  use_broom_methods()
  setHook(packageEvent("generics", "onLoad"), use_broom_methods)
  use_plot_methods()
  setHook(packageEvent("ggplot2", "onLoad"), use_plot_methods)
  use_notebook_methods()
  setHook(packageEvent("repr", "onLoad"), use_notebook_methods)
}
