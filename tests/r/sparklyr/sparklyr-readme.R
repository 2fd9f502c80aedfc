# The calls of sparklyr's own introduction, https://github.com/sparklyr/sparklyr/blob/main/README.md
sc <- rc2_spark(service)
mtcars_tbl <- copy_to(sc, mtcars, overwrite = TRUE)

partitions <- mtcars_tbl %>%
  filter(hp >= 100) %>%
  mutate(cyl8 = cyl == 8) %>%
  sdf_partition(training = 0.5, test = 0.5, seed = 1099)
fit <- partitions$training %>%
  ml_linear_regression(response = "mpg", features = c("wt", "cyl"))
expect_output(print(summary(fit)), "mpg ~ wt + cyl", fixed = TRUE)
expect_equal(coef(fit), coef(lm(mpg ~ wt + cyl, collect(partitions$training))))
