# Reads the flights with one of the two clients; prints how many times the size of the data frame memory grew at most.
client <- commandArgs(TRUE)[[1]]
library(rc2)
if (client == "ours") {
  con <- rc2_connect("flights")
  data_process <- system2("pgrep", c("-f", shQuote(paste0("[r]c2_data .* ", Sys.getpid(), "$"))), stdout = TRUE)
  processes <- c(Sys.getpid(), as.integer(data_process))
} else {
  con <- DBI::dbConnect(RPostgreSQL::PostgreSQL(), dbname = "service=flights")
  processes <- Sys.getpid()
}

# Bytes of resident memory, by the names of /proc/<pid>/status
resident <- function(pid, name) {
  line <- grep(paste0("^", name, ":"), readLines(file.path("/proc", pid, "status")), value = TRUE)
  1024 * as.numeric(gsub("[^0-9]", "", line))
}

invisible(DBI::dbGetQuery(con, "SELECT * FROM flights LIMIT 10"))
invisible(gc())
before <- vapply(processes, resident, 0, "VmRSS")
for (pid in processes) cat("5", file = file.path("/proc", pid, "clear_refs")) # VmHWM starts anew
flights <- DBI::dbGetQuery(con, "SELECT * FROM flights")
growth <- sum(vapply(processes, resident, 0, "VmHWM") - before)
cat(growth / as.numeric(object.size(flights)))
