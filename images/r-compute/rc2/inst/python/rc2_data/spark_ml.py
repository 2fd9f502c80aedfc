"""Linear and logistic regression with Spark's machine learning and R's formulas."""

import numpy as np
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.feature import RFormula
from pyspark.ml.regression import LinearRegression

ESTIMATORS = {
    "linear": LinearRegression,
    "logistic": lambda **options: LogisticRegression(family="binomial", **options),
}
MEASURES = ("r2", "rootMeanSquaredError", "accuracy", "areaUnderROC", "totalIterations")


def fit(connection, kind, sql, formula, options):
    """Fit a regression to the rows of a query; its number, coefficients and measures."""
    options = {name: content[0].item() for name, content in options.items()}
    options["standardization"] = bool(options["standardization"])
    model = connection.run(lambda session: Regression(session, kind, sql, formula, options), sql)
    number = len(connection.models) + 1
    connection.models[number] = model
    return {"model": number, "names": model.names, "coefficients": np.array(model.coefficients), "summary": model.summary}


def predict(connection, model, sql, view):
    """Make a view of the rows of a query, with the predictions of a regression."""
    connection.run(lambda session: connection.models[model].predict(session, sql, view), sql)


class Regression:
    """One regression, fitted to the rows of a query."""

    def __init__(self, session, kind, sql, formula, options):
        rows = session.sql(sql)
        self._encoder = RFormula(formula=formula).fit(rows)
        encoded = self._encoder.transform(rows)
        self._model = ESTIMATORS[kind](**options).fit(encoded)
        self.names = ["(Intercept)", *feature_names(encoded)]
        self.coefficients = [self._model.intercept, *self._model.coefficients.toArray().tolist()]
        self.summary = {name: getattr(self._model.summary, name) for name in MEASURES if hasattr(self._model.summary, name)}

    def predict(self, session, sql, view):
        """The rows of a query with the predictions, as a temporary view."""
        encoded = self._encoder.transform(session.sql(sql))
        self._model.transform(encoded).drop("features", "rawPrediction", "label").createOrReplaceTempView(view)


def feature_names(encoded):
    """The columns of the model's matrix, in order."""
    attributes = encoded.schema["features"].metadata["ml_attr"]["attrs"]
    ordered = sorted((entry for group in attributes.values() for entry in group), key=lambda entry: entry["idx"])
    return [entry["name"] for entry in ordered]
