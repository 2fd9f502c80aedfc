"""Errors of Spark as R gets them: Spark's message without stack trace and query plan, its SQLSTATE and position."""

import os
import re

from rc2_data.errors import DataError

END_OF_MESSAGE = re.compile(r" *SQLSTATE: \w{5}.*|\n+JVM stacktrace:.*|\n+== SQL.*", re.DOTALL)
IN_A_TASK = re.compile(
    r"^Job aborted due to stage failure: .*?: [\w.$]+(?:Exception|Error): (.*?)(?:\n\tat .*)?$", re.DOTALL
)
"""An error of an executor, whose message begins after the name of a class of Java and ends before its stack."""
IN_A_FUNCTION = re.compile(
    r"^(?:\[FAILED_EXECUTE_UDF\] )?User defined function \(.*?\) failed due to: [\w.$]+: (.*?)\.*$", re.DOTALL
)
"""An error of a function of Spark's machine learning: after its types and the name of a class."""
TRANSPORT = re.compile(r'details = "(.*?)"\s*debug_error_string', re.DOTALL)
NOT_SHARED = (
    "Spark runs on another machine and does not see this file; read it in R, and write the data frame with dbWriteTable()."
)
REFUSED = "(org.apache.hadoop.security.AccessControlException) "
HIVE = re.compile(
    r"^(?:[\w.]+Exception: )*(?:Unable to \w+ table \w+\. )?(?:MetaException\(message:(.*)\)|(.*))$", re.DOTALL
)
"""What Hive's client puts around a sentence of the metastore or of its gateway."""
HIVE_EXCEPTION = "org.apache.hadoop.hive."
NO_RIGHT = "HDFS refuses this to you; ask the owner or the operator for the right."
PREFIXES = ("[USER_RAISED_EXCEPTION] ", "requirement failed: ", "assertion failed: ")
MISSING = (
    "A value is missing (NA) in a column that a stage reads, and this stage takes none; filter() such rows out, or fill "
    "them with coalesce()."
)
PLACE = re.compile(r"\(line (\d+), pos (\d+)\)")


def described(error, sql):
    """The error of this package for one of the client."""
    text = str(error)
    if found := TRANSPORT.search(text):
        text = found[1]
    message = plain(END_OF_MESSAGE.sub("", text).strip()) or type(error).__name__
    fields = {
        "sqlstate": error.getSqlState(),
        "position": position(error, text, sql),
        "detail": cause(error, text),
        "hint": hint(error, message),
    }
    return DataError(
        message.removeprefix(REFUSED), **{name: content for name, content in fields.items() if content is not None}
    )


def plain(message):
    """The message without what Java puts around it."""
    if found := IN_A_TASK.match(message):
        message = found[1]
    if found := IN_A_FUNCTION.match(message):
        message = f"{found[1]}."
    if message.startswith(HIVE_EXCEPTION) and (found := HIVE.match(message)):
        message = found[1] or found[2] or message
    if message.startswith('Cannot invoke "'):
        return MISSING
    for prefix in PREFIXES:
        message = message.removeprefix(prefix)
    return message.replace("handleInvalid", "handle_invalid")


def hint(error, message):
    """What the user can do, where Spark's message does not say it."""
    if message.startswith(REFUSED):
        return NO_RIGHT
    return NOT_SHARED if is_only_here(error) else None


def is_only_here(error):
    """Whether Spark does not find a file that this machine has."""
    path = (error.getMessageParameters() or {}).get("path", "") if error.getCondition() == "PATH_NOT_FOUND" else ""
    return os.path.exists(path.removeprefix("file:"))


def position(error, text, sql):
    """The place of the error in the statement, counted in characters from 1."""
    for context in error.getQueryContext() or []:
        start = characters(sql, context.startIndex())
        if sql[start:].startswith(context.fragment()):
            return start + 1
    if found := PLACE.search(text):
        before = sql.splitlines(keepends=True)[: int(found[1]) - 1]
        return len("".join(before)) + int(found[2]) + 1
    return None


def characters(sql, units):
    """The number of characters in so many of Java's, of which rare characters take two."""
    return len(sql.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore"))


def cause(error, text):
    """The innermost cause, such as a database's message, unless the message has it already."""
    trace = getattr(error, "getStackTrace", lambda: None)() or ""
    found = re.findall(r"^Caused by: [\w.$]+: (.+)$", trace, re.MULTILINE)
    return found[-1] if found and found[-1] not in text else None
