"""Values of R as parameters of Spark's SQL."""

import re

from pyspark.sql.connect.column import Column
from pyspark.sql.connect.expressions import LiteralExpression
from pyspark.sql.pandas.types import from_arrow_type

from rc2_data.errors import DataError
from rc2_data.spark_write import storable

NO_PARAMETER = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)


def literals(sql, parameters):
    """The argument lists of a statement: one for each row of the packed columns; without parameters, one without arguments.

    Each literal has the type of its column, also if it is missing: `functions.lit(None)` has none.

    Raises:
        DataError: if there are more columns than parameters, which Spark ignores.
    """
    if parameters is None:
        return [None]
    found = NO_PARAMETER.sub("", sql).count("?")
    if found < parameters.num_columns:
        raise DataError(f"The statement has {found} parameters, but {parameters.num_columns} are given.")
    columns = [typed(storable(column)) for column in parameters.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def typed(column):
    """The values of a column as literals."""
    kind = from_arrow_type(column.type)
    return [Column(LiteralExpression(content, kind)) for content in column.to_pylist()]
