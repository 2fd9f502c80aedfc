# The calls of "Mastering Spark with R", chapter 2, https://therinspark.com/starting.html
sc <- rc2_spark(service)
cars <- copy_to(sc, mtcars, overwrite = TRUE)
model <- ml_linear_regression(cars, mpg ~ hp)
found <- model %>%
  ml_predict(copy_to(sc, data.frame(hp = 250 + 10 * 1:10), "more_hp", overwrite = TRUE)) %>%
  transmute(hp = hp, mpg = prediction) %>%
  full_join(select(cars, hp, mpg)) %>%
  collect()
expect_equal(nrow(found), 42)
ours <- predict(lm(mpg ~ hp, mtcars), data.frame(hp = 300))
expect_equal(found$mpg[found$hp == 300], unname(ours))
