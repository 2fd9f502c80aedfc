# Clusters. Their features are a formula without a response, or names of columns. Clusters have numbers from 0, as
# in sparklyr.

with_features <- function(arguments) {
  arguments$formula <- given_formula(arguments$formula, features = arguments$features)
  arguments
}

check_clusters <- function(design, arguments) {
  k <- arguments$k
  if (!is.numeric(k) || length(k) != 1 || is.na(k) || k < 1) fail("k is the number of clusters, such as 3.")
  if (k > design$rows) {
    fail("k is ", k, ", and only ", whole_number(design$rows), " rows are complete; take as many clusters or fewer.")
  }
}

cluster_parts <- function(design, outputs, arguments) {
  centers <- matrix(outputs$clusterCenters, ncol = nrow(design$columns), byrow = TRUE)
  dimnames(centers) <- list(seq_len(nrow(centers)) - 1, design$columns$name)
  found <- nrow(centers)
  if (found < arguments$k) message("Spark found ", found, " clusters, not ", arguments$k, ".")
  centers <- as.data.frame(centers)
  size <- as.numeric(outputs$summary.clusterSizes)
  list(summary = list(k = found, cost = outputs$summary.trainingCost), centers = centers, size = size,
    table = cbind(centers, size = size, cluster = seq_len(found) - 1))
}

CLUSTER_OUTPUTS <- c("clusterCenters", "summary.clusterSizes", "summary.trainingCost")

KMEANS <- spark_method("ml_kmeans", "K-means", "clustering.KMeans", "none", CLUSTER_OUTPUTS, cluster_parts,
  check = check_clusters, augmented = ".cluster")
BISECTING_KMEANS <- spark_method("ml_bisecting_kmeans", "Bisecting k-means", "clustering.BisectingKMeans", "none",
  CLUSTER_OUTPUTS, cluster_parts, check = check_clusters, augmented = ".cluster")

ml_kmeans <- function(x, formula = NULL, k = 2, max_iter = 10, tol = 1e-4, init_steps = 2, init_mode = "k-means||",
                      seed = NULL, features = NULL, weight_col = NULL, ...) {
  fit_method(KMEANS, with_features(as.list(environment())), ...)
}

ml_bisecting_kmeans <- function(x, formula = NULL, k = 4, max_iter = 20, seed = NULL, min_divisible_cluster_size = 1,
                                features = NULL, weight_col = NULL, ...) {
  fit_method(BISECTING_KMEANS, with_features(as.list(environment())), ...)
}

mixture_parts <- function(design, outputs, arguments) {
  names <- design$columns$name
  centers <- matrix(outputs$gaussians.mean, ncol = length(names), byrow = TRUE, dimnames = list(NULL, names))
  covariances <- lapply(seq_len(nrow(centers)), function(cluster) {
    size <- length(names)^2
    matrix(outputs$gaussians.cov[(cluster - 1) * size + seq_len(size)], length(names), dimnames = list(names, names))
  })
  centers <- as.data.frame(centers)
  size <- as.numeric(outputs$summary.clusterSizes)
  list(summary = list(k = nrow(centers), log_likelihood = outputs$summary.logLikelihood), centers = centers, size = size,
    weights = outputs$weights, covariances = covariances,
    table = cbind(centers, weight = outputs$weights, size = size, cluster = seq_len(nrow(centers)) - 1))
}

GAUSSIAN_MIXTURE <- spark_method("ml_gaussian_mixture", "Gaussian mixture", "clustering.GaussianMixture", "none",
  c("weights", "gaussians.mean", "gaussians.cov", "summary.clusterSizes", "summary.logLikelihood"), mixture_parts,
  probability = TRUE, check = check_clusters, augmented = ".cluster")

ml_gaussian_mixture <- function(x, formula = NULL, k = 2, max_iter = 100, tol = 0.01, seed = NULL, features = NULL,
                                weight_col = NULL, ...) {
  fit_method(GAUSSIAN_MIXTURE, with_features(as.list(environment())), ...)
}
