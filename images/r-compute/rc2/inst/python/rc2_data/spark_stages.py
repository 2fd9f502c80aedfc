"""Stages of pipelines in Spark: new ones of what R says, and what R reads of others.

R describes a stage by a dict: its `uid`, the `name` of its class, such as `feature.Tokenizer`, and its `options`; a pipeline
has `stages`, by their uids, and a fitted stage the `key` under which this process holds it.
"""

import importlib

import numpy as np
from pyspark.errors import PySparkException
from pyspark.ml import Estimator, Model, Pipeline, PipelineModel
from pyspark.ml.feature import Binarizer
from pyspark.ml.linalg import Matrix, Vector, VectorUDT
from pyspark.ml.param import TypeConverters
from pyspark.sql import DataFrame
from pyspark.sql.connect.functions import builtin as functions
from pyspark.sql.types import ArrayType, NumericType, StringType

from rc2_data.errors import DataError
from rc2_data.spark_ml import GONE, as_list, as_r, converted, read, set_option

LABEL = "rc2_label_"
"""How the uid of a stage begins that makes the response of a formula, which rows to predict do not have."""
VECTOR, NUMBER, TEXT, TEXTS = "a vector of numbers", "a number", "a text", "a list of texts"
INPUTS = {
    VECTOR: "StandardScaler MinMaxScaler MaxAbsScaler RobustScaler Normalizer PolynomialExpansion PCA IDF",
    NUMBER: "Binarizer Bucketizer QuantileDiscretizer Imputer OneHotEncoder IndexToString",
    TEXT: "Tokenizer RegexTokenizer",
    TEXTS: "StopWordsRemover HashingTF CountVectorizer NGram Word2Vec",
}
KIND_OF = {name: kind for kind, names in INPUTS.items() for name in names.split()}
"""What the stages read that Spark explains with names of Java if a column is something else."""
MAKERS = {
    VECTOR: "ft_vector_assembler() makes one",
    NUMBER: "ft_string_indexer() makes one of text",
    TEXT: "as.character() in mutate() makes one",
    TEXTS: "ft_tokenizer() makes one of a text",
}
OUTPUTS = [
    "coefficients",
    "intercept",
    "coefficientMatrix",
    "interceptVector",
    "scale",
    "mean",
    "std",
    "originalMin",
    "originalMax",
    "maxAbs",
    "median",
    "range",
    "labels",
    "vocabulary",
    "idf",
    "pc",
    "explainedVariance",
    "docFreq",
    "numDocs",
    "categorySizes",
    "surrogateDF",
    "featureImportances",
    "clusterCenters",
    "pi",
    "theta",
    "weights",
    "boundaries",
    "predictions",
    "numClasses",
    "numFeatures",
    "depth",
    "numNodes",
    "totalNumNodes",
]
"""Attributes of fitted stages, of which each has some."""


def new_stage(connection, session, spec):
    """The stage that R describes."""
    if spec.get("key"):
        return held(connection, session, spec["key"][0])
    name, uid = spec["name"][0], spec["uid"][0]
    if name in ("Pipeline", "PipelineModel"):
        stages = [new_stage(connection, session, stage) for stage in as_dict(spec["stages"]).values()]
        stage = PipelineModel(stages) if name == "PipelineModel" else Pipeline(stages=stages)
        stage._resetUid(uid)
        return stage
    module, cls = name.split(".")
    stage = getattr(importlib.import_module(f"pyspark.ml.{module}"), cls)()
    stage._resetUid(uid)
    for option, content in as_dict(spec["options"]).items():
        if not stage.hasParam(option):
            raise DataError(f"The stage {uid} has no option {option}.")
        param = stage.getParam(option)
        set_option(stage, param, option_of(stage, param, content))
    return stage


def held(connection, session, key):
    """A fitted stage by its key.

    Raises:
        DataError: for one of another session.
    """
    model, own = connection.models.get(key, (None, None))
    if own is not session:
        raise DataError(GONE)
    return model


def as_dict(content):
    """R's named list, which is a list if it is empty."""
    return content if isinstance(content, dict) else {}


def option_of(stage, param, content):
    """The value of an option in the type of its parameter, or of its default where the parameter names none."""
    if param.typeConverter is TypeConverters.toListListFloat:
        return [row.tolist() for row in content]
    found = converted(param, content)
    default = stage.getOrDefault(param) if stage.hasDefault(param) else None
    return type(default)(found) if isinstance(default, (bool, int, float)) else found


def fitted(stage, frame):
    """The stage, fitted to a frame. A pipeline is fitted here stage by stage, so that the columns of each are checked."""
    if not isinstance(stage, Pipeline):
        check_columns(stage, frame)
        return stage.fit(frame) if isinstance(stage, Estimator) else stage
    done = []
    for each in stage.getStages():
        if done:
            frame = transformed(done[-1], frame)
        done.append(fitted(each, frame))
    model = PipelineModel(done)
    model._resetUid(stage.uid)
    return model


def transformed(stage, frame):
    """The frame with what a stage adds. A response is left out where its columns are missing."""
    if isinstance(stage, PipelineModel):
        for each in stage.stages:
            frame = transformed(each, frame)
        return frame
    if stage.uid.startswith(LABEL) and not has_response(stage, frame):
        return frame
    check_columns(stage, frame, with_label=False)
    found = stage.transform(frame)
    return with_missing(stage, found) if isinstance(stage, Binarizer) and stage.isSet("inputCol") else found


def with_missing(binarizer, frame):
    """The frame of a Binarizer with what is missing; Spark gives 0 for it, and 1 for NaN."""
    given, name = frame[binarizer.getInputCol()], binarizer.getOutputCol()
    missing = given.isNull() | functions.isnan(given)
    return frame.withColumn(name, functions.when(~missing, frame[f"`{name.replace('`', '``')}`"]))


def has_response(stage, frame):
    """Whether a frame has the columns of which a formula makes the response."""
    try:
        return bool(stage.transform(frame).columns)
    except PySparkException as error:
        if (error.getCondition() or "").startswith("UNRESOLVED_COLUMN"):
            return False
        raise


def check_columns(stage, frame, with_label=True):
    """Refuse a stage whose columns a frame lacks or has in another type.

    Raises:
        DataError: a sentence that names column and stage.
    """
    columns = {field.name: field.dataType for field in frame.schema.fields}
    for option, kind in inputs_of(stage, with_label):
        for quoted in as_list(stage.getOrDefault(option)):
            name = unquoted(quoted)
            if name not in columns:
                raise DataError(f"The table has no column {name}, which the stage {stage.uid} reads.")
            if kind and not is_a(columns[name], kind):
                raise DataError(
                    f"The stage {stage.uid} reads {kind} in the column {name}, which has the type "
                    f"{columns[name].simpleString()}; {MAKERS[kind]}."
                )


def inputs_of(stage, with_label):
    """The options that name columns which a stage reads, with what they have to be."""
    kind = KIND_OF.get(type(stage).__name__.removesuffix("Model"))
    found = {"inputCol": kind, "inputCols": kind, "featuresCol": VECTOR, "weightCol": NUMBER, "censorCol": NUMBER}
    if with_label and not isinstance(stage, Model):
        found["labelCol"] = NUMBER
    if isinstance(stage, Model):
        found = {option: kind for option, kind in found.items() if option not in ("weightCol", "censorCol")}
    return [(option, kind) for option, kind in found.items() if stage.hasParam(option) and is_given(stage, option)]


def is_given(stage, option):
    return stage.isDefined(option) and stage.getOrDefault(option)


def unquoted(name):
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def is_a(kind, wanted):
    """Whether a type is what a stage reads."""
    if wanted == VECTOR:
        return isinstance(kind, VectorUDT)
    if wanted == TEXTS:
        return isinstance(kind, ArrayType) and isinstance(kind.elementType, StringType)
    return isinstance(kind, NumericType if wanted == NUMBER else StringType)


def described(stage):
    """What R keeps of a stage."""
    found = {"uid": stage.uid, "name": f"{type(stage).__module__.removeprefix('pyspark.ml.')}.{type(stage).__name__}"}
    if isinstance(stage, (Pipeline, PipelineModel)):
        stages = stage.stages if isinstance(stage, PipelineModel) else stage.getStages()
        inner = {each.uid: described(each) for each in stages}
        return found | {"name": type(stage).__name__, "options": {}, "stages": inner}
    options = {param.name: as_option(content) for param, content in stage._paramMap.items()}
    return found | {"options": options, "estimator": isinstance(stage, Estimator)}


def as_option(content):
    """The value of an option in a type that R's format has."""
    if isinstance(content, (Vector, Matrix)):
        return as_r(content)
    if isinstance(content, (list, tuple)):
        if content and isinstance(content[0], (list, tuple)):
            return {str(at): np.array(row, float) for at, row in enumerate(content)}
        return list(content) if content and isinstance(content[0], str) else np.array(content, float)
    return content


def read_fitted(model):
    """What a fitted stage has found, by the names of Spark."""
    found = {name: read(model, name) for name in OUTPUTS if hasattr(type(model), name)}
    return {name: as_output(content) for name, content in found.items() if content is not None}


def as_output(content):
    """What a fitted stage has found, in a type that R's format has; an imputer has it in a table of one row."""
    content = content.first() if isinstance(content, DataFrame) else content
    return as_option(content) if isinstance(content, (list, tuple)) and is_plain(content) else as_r(content)


def is_plain(content):
    return bool(content) and isinstance(content[0], (str, int, float))
