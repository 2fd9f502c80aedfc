"""Machine learning in Spark for R: fits an estimator to the rows of a query, and keeps the model until R drops it.

R names the columns of these queries: `rc2_x1`, `rc2_x2` and so on are the features, `rc2_y` is the response.
"""

import importlib
from functools import reduce
from uuid import uuid4

import numpy as np
from pyspark.errors import PySparkException
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.linalg import Matrix, Vector, VectorUDT
from pyspark.ml.param import TypeConverters
from pyspark.ml.stat import Correlation
from pyspark.sql import Window
from pyspark.sql.functions import expr, monotonically_increasing_id, row_number
from pyspark.sql.types import ArrayType

from rc2_data.errors import DataError
from rc2_data.spark_errors import invalid_option

FEATURES = "rc2_features"
PLACE = "rc2_place"
PREDICTIONS = {
    "predictionCol": "rc2_prediction",
    "probabilityCol": "rc2_probability",
    "rawPredictionCol": "rc2_raw",
    "topicDistributionCol": "rc2_probability",
}
"""Names of what models add to a table, which has other columns."""
GONE = "The model is no longer in this session of Spark, where it was fitted; fit it again."
LISTS = (TypeConverters.toListFloat, TypeConverters.toListInt, TypeConverters.toListString, TypeConverters.toList)


def fit(connection, estimator, sql, options, outputs, **shape):
    """Fit `estimator`, such as `regression.LinearRegression`, to the rows of a query; its key and its `outputs`.

    `shape` is the number of features as `width`, and whether the table is `small`.
    """

    def work(session):
        return new_estimator(estimator, options).fit(shaped(session.sql(sql), **shape)), session

    model, session = connection.run(work, sql)
    return {"model": hold(connection, model, session), "outputs": outputs_of(connection, model, outputs)}


def hold(connection, model, session):
    """Keep a model; its key, which no model of another session has, as R may keep a model in a file."""
    key = uuid4().hex
    connection.models[key] = (model, session)
    return key


def held(connection, key, session):
    """A model by its key.

    Raises:
        DataError: for a model that was fitted in another session.
    """
    found, own = connection.models.get(key, (None, None))
    if own is not session:
        raise DataError(GONE)
    return found


def correlation(connection, sql, width, method="pearson"):
    """The matrix of correlations of the features, row by row."""

    def work(session):
        return Correlation.corr(assembled(session.sql(sql), width), FEATURES, method).head()[0].toArray()

    return connection.run(work, sql).ravel()


def drop(connection, model):
    """Forget a model, whose memory Spark then frees."""
    connection.models.pop(model, None)


def predict(connection, model, sql, width=None):
    """The name of a view: the rows of a query with what the model predicts, vectors as arrays."""

    def work(session):
        found = held(connection, model, session)
        return new_view(found.transform(assembled(session.sql(sql), width)).drop(FEATURES))

    return connection.run(work, sql)


def rows(connection, model, attribute, number=None):
    """The name of a view: rows that a model has, such as `userFactors`, or `describeTopics` of a number."""

    def work(session):
        found = getattr(held(connection, model, session), attribute)
        return new_view(found(int(number)) if number is not None else found)

    return connection.run(work)


def measure(connection, model, attribute, sql, width=None):
    """What a model says of the rows of a query, such as `logLikelihood`."""

    def work(session):
        return getattr(held(connection, model, session), attribute)(assembled(session.sql(sql), width))

    return connection.run(work, sql)


def new_view(frame):
    """The name of a new view of a frame, whose vectors become arrays, which SQL reads."""
    for field in frame.schema.fields:
        if isinstance(field.dataType, VectorUDT):
            frame = frame.withColumn(field.name, vector_to_array(field.name))
    name = f"rc2_rows_{uuid4().hex}"
    frame.createOrReplaceTempView(name)
    return name


def evaluate(connection, evaluator, sql, width, options):
    """What an evaluator of pyspark.ml says of the rows of a query."""

    def work(session):
        frame = with_vectors(assembled(session.sql(sql), width or None))
        return new_estimator(f"evaluation.{evaluator}", options).evaluate(frame)

    return connection.run(work, sql)


def with_vectors(frame):
    """The frame with its arrays as the vectors that an evaluator reads."""
    for field in frame.schema.fields:
        if isinstance(field.dataType, ArrayType):
            frame = frame.withColumn(field.name, array_to_vector(field.name))
    return frame


def split(connection, sql, weights, seed):
    """The names of views: the rows of a query in random parts."""
    parts = np.atleast_1d(weights).tolist()
    return connection.run(lambda session: [new_view(part) for part in session.sql(sql).randomSplit(parts, int(seed))], sql)


def sample(connection, sql, fraction, replacement, seed):
    """The name of a view: a random sample of the rows of a query."""
    return connection.run(
        lambda session: new_view(session.sql(sql).sample(bool(replacement), float(fraction), int(seed))), sql
    )


def describe(connection, sql, columns):
    """The name of a view: number, mean, deviation, minimum and maximum of columns of a query."""
    return connection.run(lambda session: new_view(session.sql(sql).describe(*as_list(columns))), sql)


def crosstab(connection, sql, title):
    """The name of a view: how often each pair of values of the columns `one` and `other` is there, the first as `title`."""
    return connection.run(
        lambda session: new_view(session.sql(sql).crosstab("one", "other").withColumnRenamed("one_other", title)), sql
    )


def bind_columns(connection, sqls, names):
    """The name of a view: the columns of queries side by side.

    Raises:
        DataError: if one has another number of rows.
    """

    def work(session):
        frames = [numbered(session.sql(sql), f"c{at}_") for at, sql in enumerate(as_list(sqls))]
        sizes = [frame.count() for frame in frames]
        if len(set(sizes)) > 1:
            raise DataError(f"The tables have different numbers of rows: {', '.join(map(str, sizes))}.")
        whole = reduce(lambda one, other: one.join(other, PLACE), frames).orderBy(PLACE).drop(PLACE)
        return new_view(whole.toDF(*as_list(names)))

    return connection.run(work)


def numbered(frame, prefix):
    """The frame with the place of each row, which is computed once, and with column names that no other frame has."""
    named = frame.toDF(*[f"{prefix}{at}" for at in range(len(frame.columns))])
    placed = named.withColumn(PLACE, monotonically_increasing_id()).localCheckpoint()
    return placed.withColumn(PLACE, row_number().over(Window.orderBy(PLACE)))


def assembled(frame, width):
    """The frame with its features as one vector; as it is for a method without features."""
    if width is None:
        return frame
    width = int(width)
    if not width:  # an intercept alone
        return frame.withColumn(FEATURES, array_to_vector(expr("CAST(ARRAY() AS ARRAY<DOUBLE>)")))
    return VectorAssembler(inputCols=[f"rc2_x{at + 1}" for at in range(width)], outputCol=FEATURES).transform(frame)


def shaped(frame, width=None, small=False):
    """The frame as a fit reads it: a small one is computed once, in one part, so an iteration is one task, not three."""
    frame = assembled(frame, width)
    return frame.localCheckpoint().coalesce(1) if small else frame


def new_estimator(name, options):
    """An estimator of pyspark.ml with R's options."""
    module, cls = name.split(".")
    estimator = getattr(importlib.import_module(f"pyspark.ml.{module}"), cls)()
    added = {option: column for option, column in PREDICTIONS.items() if estimator.hasParam(option)}
    for option, content in {**added, **dict(options or {})}.items():
        param = estimator.getParam(option)
        set_option(estimator, param, converted(param, content))
    return estimator


def set_option(stage, param, content):
    """Set an option of a stage.

    Raises:
        DataError: for a value of another type.
    """
    try:
        stage.set(param, content)
    except TypeError:
        raise DataError(invalid_option(param.name, content)) from None


def converted(param, content):
    """The value of an option in the type of its parameter."""
    values = content.tolist() if isinstance(content, np.ndarray) else as_list(content)
    if param.typeConverter in LISTS:
        return values
    return bool(values[0]) if param.typeConverter is TypeConverters.toBoolean else values[0]


def outputs_of(connection, model, names):
    """Attributes of a model by their names, such as `coefficients` or `summary.deviance`."""
    return connection.attempt(lambda: {name: as_r(read(model, name)) for name in as_list(names)})


def read(model, name):
    """One attribute; None if this fit does not have it, such as standard errors of a fit with a penalty."""
    for part in name.split("."):
        try:
            model = [getattr(entry, part) for entry in model] if isinstance(model, list) else getattr(model, part)
            model = model() if callable(model) else model
        except (PySparkException, AttributeError, RuntimeError):
            return None
    return model


def as_r(content):
    """A value in a type that R's format has."""
    if isinstance(content, Vector):
        return content.toArray()
    if isinstance(content, Matrix):
        return {"rows": content.numRows, "columns": content.numCols, "values": content.toArray().ravel(order="F")}
    if isinstance(content, list):
        return np.array([entry.toArray() if hasattr(entry, "toArray") else entry for entry in content], float).ravel()
    return content.item() if isinstance(content, np.generic) else content


def as_list(content):
    """The texts of a vector of R, of which one is no list."""
    return [] if content is None else [content] if isinstance(content, str) else list(content)
