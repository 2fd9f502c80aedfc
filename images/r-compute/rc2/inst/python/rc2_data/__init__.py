"""The data process: it holds the connections of one R session to PostgreSQL and Spark, and R calls it over a Unix socket."""
