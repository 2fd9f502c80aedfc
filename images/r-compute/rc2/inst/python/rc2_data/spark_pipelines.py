"""Pipelines of Spark for R: fits and transforms stages, and keeps, saves and loads them."""

import importlib
from uuid import uuid4

from pyspark.errors import PySparkException
from pyspark.ml import Estimator, Pipeline, PipelineModel
from pyspark.ml.feature import StopWordsRemover
from pyspark.ml.util import DefaultParamsReader

from rc2_data.errors import DataError
from rc2_data.spark_stages import as_option, described, fitted, held, new_stage, read_fitted, transformed

LANGUAGES = (
    "danish dutch english finnish french german hungarian italian norwegian portuguese russian spanish swedish turkish"
)


def fit(connection, stage, sql):
    """Fit a stage or a pipeline to the rows of a query; what R keeps of it."""

    def work(session):
        return keep(connection, session, fitted(new_stage(connection, session, stage), session.sql(sql)))

    return connection.run(work, sql)


def keep(connection, session, model):
    """Hold a fitted stage until R drops it."""
    key = uuid4().hex
    connection.models[key] = (model, session)
    return {"key": key, **described(model)}


def transform(connection, stage, sql):
    """The name of a view: the rows of a query with what a stage adds; an estimator is fitted to them first."""

    def work(session):
        frame, found = session.sql(sql), new_stage(connection, session, stage)
        if isinstance(found, (Estimator, Pipeline)):
            found = fitted(found, frame)
        return view_of(transformed(found, frame))

    return connection.run(work, sql)


def view(connection, sql):
    """The name of a view of a query."""
    return connection.run(lambda session: view_of(session.sql(sql)), sql)


def view_of(frame):
    """The name of a new view of a frame, whose vectors stay what they are, for the next stage."""
    name = f"rc2_rows_{uuid4().hex}"
    frame.createOrReplaceTempView(name)
    return name


def stages(connection, key):
    """The stages of a fitted pipeline, each as R keeps it, with what it has found."""

    def work(session):
        model = held(connection, session, key)
        each = model.stages if isinstance(model, PipelineModel) else [model]
        return {stage.uid: {**keep(connection, session, stage), "found": read_fitted(stage)} for stage in each}

    return connection.run(work)


def evaluate(connection, stage, sql):
    """What an evaluator says of the rows of a query."""
    return connection.run(lambda session: new_stage(connection, session, stage).evaluate(session.sql(sql)), sql)


def options(connection, stage):
    """The options of a stage that have a value, set or preset."""

    def work(session):
        found = new_stage(connection, session, stage)
        return {param.name: as_option(content) for param, content in found.extractParamMap().items() if content is not None}

    return connection.run(work)


def save(connection, stage, path, overwrite):
    """Save a stage or a pipeline in Spark's format."""

    def work(session):
        writer = new_stage(connection, session, stage).write()
        try:
            (writer.overwrite() if overwrite else writer).save(path)
        except PySparkException as error:
            if error.getCondition() == "PATH_ALREADY_EXISTS" or "already exists" in str(error):
                raise DataError(f"{path} exists; ml_save(overwrite = TRUE) replaces it.") from None
            raise

    connection.run(work)


def load(connection, path):
    """What R keeps of a stage or a pipeline that was saved."""

    def work(session):
        found = loaded(path.rstrip("/"), session)
        is_new = isinstance(found, (Estimator, Pipeline))
        return described(found) if is_new else keep(connection, session, found)

    return connection.run(work)


def loaded(path, session):
    """A saved stage. Its class has to be one of Spark, as a file of others could name any code."""
    try:
        metadata = DefaultParamsReader.loadMetadata(path, session)
    except PySparkException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            raise DataError(f"Spark finds no saved stage or pipeline in {path}.") from None
        raise
    name = metadata["class"].replace("org.apache.spark.ml.", "pyspark.ml.")
    module, _, cls = name.rpartition(".")
    if not name.startswith("pyspark.ml."):
        raise DataError(f"{path} holds {name}, which is no stage of Spark.")
    if cls not in ("Pipeline", "PipelineModel"):
        return getattr(importlib.import_module(module), cls).load(path)
    uids = metadata["paramMap"]["stageUids"]
    places = [f"{path}/stages/{str(at).zfill(len(str(len(uids))))}_{uid}" for at, uid in enumerate(uids)]
    stages = [loaded(place, session) for place in places]
    found = PipelineModel(stages) if cls == "PipelineModel" else Pipeline(stages=stages)
    found._resetUid(metadata["uid"])
    return found


def stop_words(connection, language):
    """Words of a language that tell little of a text."""
    if language not in LANGUAGES.split():
        raise DataError(f"Spark has no stop words of {language}; it has {', '.join(LANGUAGES.split())}.")
    return connection.run(lambda _session: StopWordsRemover.loadDefaultStopWords(language))
