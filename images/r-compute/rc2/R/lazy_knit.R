# A lazy table in R Markdown, whose formats have df_print: rmarkdown would write all rows with "kable", and fetch them with "tibble".
# "default" shows what print() shows; "paged" stops at 1000 rows, or sql.max.print of the chunk.

use_knit_methods <- function(...) register_lazy_methods("knitr", list(knit_print = lazy_knit))

lazy_knit <- function(x, ...) {
  how <- knitr::opts_knit$get("rmarkdown.df_print")
  if (identical(how, "tibble")) return(print(x))
  if (!identical(how, "kable") && !identical(how, knitr::kable)) return(NextMethod())
  rows <- fetch_first_rows(x)
  note <- gsub("([][\\\\`*_{}<>#|$])", "\\\\\\1", lazy_caption(x, rows))
  knitr::asis_output(paste0(knitr::knit_print(rows$data, ...), "\n\n", note, "\n\n"))
}
