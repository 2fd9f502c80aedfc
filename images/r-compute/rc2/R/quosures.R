# dbplyr keeps a call of the user as it is, or with the environment in which its names are known: a quosure, a formula with a class.

# The call in it.
call_of <- function(quosure) if (inherits(quosure, "quosure")) quosure[[2]] else quosure

# Another call in its place.
with_call <- function(quosure, call) {
  if (!inherits(quosure, "quosure")) return(call)
  structure(call("~", call), class = class(quosure), .Environment = attr(quosure, ".Environment"))
}
