# SQL from templates, for the translations of dplyr's functions.

# What differs between the two services in most templates: the names of types.
TYPES_OF_POSTGRES <- c(double = "DOUBLE PRECISION", integer = "INTEGER", bigint = "BIGINT", text = "TEXT",
  boolean = "BOOLEAN", time = "TIMESTAMP WITH TIME ZONE")
TYPES_OF_SPARK <- c(double = "DOUBLE", integer = "INT", bigint = "BIGINT", text = "STRING", boolean = "BOOLEAN",
  time = "TIMESTAMP")

# A function that fills in a template: {name} is a variable of the caller, else the name of a type.
sql_templates <- function(con, types) {
  constants <- list(nan = fill("CAST('NaN' AS {double})", types), inf = fill("CAST('Infinity' AS {double})", types))
  words <- c(types, constants)
  function(template, env = parent.frame()) {
    value <- function(name) {
      if (name %in% names(words) && !exists(name, envir = env, inherits = FALSE)) words[[name]]
      else as_operand(get(name, envir = env), con)
    }
    dbplyr::sql(fill(template, value))
  }
}

fill <- function(template, values) {
  places <- gregexpr("\\{[a-z_0-9]+\\}", template)
  names <- regmatches(template, places)[[1]]
  names <- substr(names, 2, nchar(names) - 1)
  value <- if (is.function(values)) values else function(name) values[[name]]
  regmatches(template, places) <- list(vapply(names, function(name) as.character(value(name)), ""))
  template
}

# A value or a piece of SQL that can stand beside an operator.
as_operand <- function(value, con) {
  text <- as.character(as_sql(value, con))
  if (length(text) != 1) fail("One value is expected here, not ", length(text), ".")
  if (stands_alone(text)) text else paste0("(", text, ")")
}

as_sql <- function(value, con) {
  if (inherits(value, c("sql", "ident"))) return(dbplyr::escape(value, con = con))
  if (is_number(value)) dbplyr::sql(vapply(value, number_sql, "", con = con))
  else dbplyr::escape(value, con = con)
}

# All digits of a number; dbplyr writes 15 of 17. A whole number is an integer, which goes with dates, too.
number_sql <- function(number, con) {
  if (is.na(number) && !is.nan(number)) return("NULL")
  double <- if (methods::is(con, "Rc2PostgresConnection")) TYPES_OF_POSTGRES[["double"]] else TYPES_OF_SPARK[["double"]]
  if (!is.finite(number)) {
    name <- if (is.nan(number)) "NaN" else if (number > 0) "Infinity" else "-Infinity"
    return(paste0("CAST('", name, "' AS ", double, ")"))
  }
  if (number == trunc(number) && abs(number) < 2^53) return(format(number, scientific = FALSE, digits = 16))
  text <- Find(function(text) as.numeric(text) == number, sprintf(paste0("%.", 15:17, "g"), number))
  if (double == "DOUBLE") paste0(text, "D") else text
}

# Whether SQL is a name, a literal, a call or in parentheses as a whole.
stands_alone <- function(text) {
  if (grepl("^([A-Za-z0-9_.]+|\"[^\"]*\"|`[^`]*`|'[^']*')$", text)) return(TRUE)
  if (!grepl("^[A-Za-z_]*\\(.*\\)$", text, perl = TRUE)) return(FALSE)
  # the parenthesis that is opened first must be closed last; what is quoted does not count
  quoted <- gsub("'(?:[^'\\\\]|\\\\.|'')*'|\"[^\"]*\"|`[^`]*`", "", text, perl = TRUE)
  steps <- c("(" = 1, ")" = -1)[strsplit(gsub("[^()]", "", quoted), "")[[1]]]
  all(utils::head(cumsum(steps), -1) > 0)
}

# Rows without a value come last, as in R.
nulls_last <- function(order, ascending_too) {
  if (!length(order)) return(order)
  plain <- grepl(" NULLS (FIRST|LAST)$", order) | (!ascending_too & !grepl(" DESC$", order))
  dbplyr::sql(ifelse(plain, as.character(order), paste(order, "NULLS LAST")))
}

# Whether an argument is TRUE or FALSE for each row, as far as its call shows.
LOGICAL_CALLS <- c("==", "!=", "<", ">", "<=", ">=", "!", "&", "|", "&&", "||", "xor", "%in%", "is.na", "is.nan", "is.finite",
  "is.infinite", "is.null", "between", "grepl", "startsWith", "endsWith", "str_detect", "str_starts", "str_ends", "str_like",
  "as.logical", "near", "any", "all")

is_logical_call <- function(call) {
  call <- call_of(call)
  if (is.logical(call)) return(TRUE)
  if (!is.call(call)) return(FALSE)
  name <- call[[1]]
  if (is.call(name) && length(name) == 3) name <- name[[3]]
  name <- as.character(name)
  if (name %in% c("(", "coalesce")) return(is_logical_call(call[[2]]))
  if (name %in% c("if_else", "ifelse")) return(is_logical_call(call[[3]]))
  name %in% LOGICAL_CALLS
}
