"""The best options of a stage or a pipeline, by cross-validation or by one split.

Spark's own CrossValidator goes on with its other fits when one is interrupted, and reads rows for each fold again, which may
then be in another order and so in another fold.
"""

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Thread
from time import sleep
from uuid import uuid4

import numpy as np
from pyspark.sql.connect.functions import builtin as functions
from pyspark.sql.connect.session import SparkSession
from pyspark.util import inheritable_thread_target

from rc2_data.errors import DataError
from rc2_data.spark_pipelines import keep
from rc2_data.spark_stages import as_dict, fitted, new_stage, transformed

FOLD = "rc2_fold"
INTERVAL = 0.1
"""Seconds between looks at fits that run."""


def search(connection, estimator, choices, evaluator, how, sql):
    """Fit and measure each choice of options on each part; the metrics, part by part, and the best choice fitted to all.

    `how` has `parallelism`, `seed`, and either the number of `folds` or the `ratio` of one split.
    """
    how = {name: content[0] for name, content in how.items()}
    folds = int(how.get("folds", 0))

    def work(session):
        stages = [with_options(estimator, as_dict(choice)) for choice in choices.values()]
        judge = new_stage(connection, session, evaluator)
        numbered = (
            session.sql(sql).withColumn(FOLD, fold_of(functions.rand(int(how["seed"])), folds, how.get("ratio"))).persist()
        )
        try:
            parts = parts_of(numbered, folds)
            metrics = measure(connection, session, stages, parts, judge, int(how["parallelism"]))
            place = best_of(metrics, judge.isLargerBetter())
            model = fitted(new_stage(connection, session, stages[place]), numbered.drop(FOLD))
        finally:
            numbered.unpersist()
        return {"metrics": metrics.ravel(), "place": place + 1, "best": keep(connection, session, model)}

    return connection.run(work, sql)


def with_options(spec, options):
    """What R says of a stage, with other options of it and of its stages, by their uids."""
    changed = {**as_dict(spec["options"]), **as_dict(options.get(spec["uid"][0]))}
    stages = {uid: with_options(stage, options) for uid, stage in as_dict(spec["stages"]).items()}
    return {**spec, "options": changed, "stages": stages}


def fold_of(random, folds, ratio):
    """The number of a row's fold; of one split, 0 for rows that are measured."""
    if folds:
        return functions.floor(random * folds)
    return functions.when(random < float(ratio), 1).otherwise(0)


def parts_of(numbered, folds):
    """For each part, the rows of the fit and those that are measured.

    Raises:
        DataError: if one is empty.
    """
    found = {row[0] for row in numbered.select(FOLD).distinct().collect()}
    wanted = range(folds or 1)
    if not {0, 1, *wanted} <= found:
        raise DataError("A part of the rows is empty; the table has too few rows for so many parts.")
    return [
        (numbered.filter(functions.col(FOLD) != fold).drop(FOLD), numbered.filter(functions.col(FOLD) == fold).drop(FOLD))
        for fold in wanted
    ]


def measure(connection, session, stages, parts, evaluator, parallelism):
    """The metric of each part and choice. After an error or an interrupt, no other fit starts."""
    tag = f"rc2-search-{uuid4().hex}"

    def one(stage, training, validation):
        SparkSession._active_session.session = session  # of this thread
        session.addTag(tag)
        model = fitted(new_stage(connection, session, stage), training)
        return evaluator.evaluate(transformed(model, validation))

    pool = ThreadPoolExecutor(parallelism)
    task = inheritable_thread_target(session)(one)  # with the tag by which an interrupt finds its calls
    futures = [pool.submit(task, stage, *part) for part in parts for stage in stages]
    try:
        found = results_of(connection, futures)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        Thread(target=end, args=[session, tag, futures], daemon=True).start()
        raise
    pool.shutdown()
    return np.array(found, float).reshape(len(parts), len(stages))


def results_of(connection, futures):
    """The values of fits. It does not wait for others once one has failed or R has cancelled the call: a fit that has just
    begun takes a second to notice an interrupt."""
    rest = futures
    while rest:
        done, rest = wait(rest, INTERVAL, FIRST_EXCEPTION)
        for future in done:
            future.result()
        if connection.cancelled:
            raise DataError("The search was cancelled.")
    return [future.result() for future in futures]


def end(session, tag, futures):
    """Interrupt fits until they have ended; an interrupt that arrives before a query has no effect."""
    while any(future.running() for future in futures):
        with suppress(Exception):
            session.interruptTag(tag)
        sleep(INTERVAL)


def best_of(metrics, is_larger_better):
    """The place of the best choice by the mean over the parts.

    Raises:
        DataError: if no choice has a metric in all parts.
    """
    means = metrics.mean(axis=0)
    if np.isnan(means).all():
        raise DataError("The evaluator has no value for any choice, as a part of the rows lacks what it measures.")
    return int(np.nanargmax(means) if is_larger_better else np.nanargmin(means))
