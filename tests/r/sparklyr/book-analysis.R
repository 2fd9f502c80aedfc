# The calls of "Mastering Spark with R", chapter 3, https://therinspark.com/analysis.html
sc <- rc2_spark(service)
cars <- copy_to(sc, mtcars, overwrite = TRUE)
expect_equal(ml_corr(cars), as.data.frame(cor(mtcars)))
expect_output(cars %>% ml_linear_regression(mpg ~ .) %>% summary() %>% print(), "Residual|root_mean_squared_error")
fits <- list(cars %>% ml_linear_regression(mpg ~ hp + cyl), cars %>% ml_generalized_linear_regression(mpg ~ hp + cyl))
for (fit in fits) expect_equal(coef(fit), coef(lm(mpg ~ hp + cyl, mtcars)))
cached_cars <- cars %>%
  mutate(cyl = paste0("cyl_", cyl)) %>%
  compute("cached_cars")
by_cylinders <- cached_cars %>%
  ml_linear_regression(mpg ~ .)
expect_equal(coef(by_cylinders)[["cylcyl_8"]], coef(lm(mpg ~ ., transform(mtcars, cyl = factor(cyl))))[["cyl8"]])
