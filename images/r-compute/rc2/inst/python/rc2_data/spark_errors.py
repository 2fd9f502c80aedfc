"""Errors of Spark as R gets them: Spark's message without stack trace and query plan, its SQLSTATE and position."""

import json
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
S3 = re.compile(r"(?:.*S3Exception: )?(.*?) \(Service: S3, Status Code: \d+, ", re.DOTALL)
"""What Hadoop's client of S3 puts around a sentence of the store or of its gateway."""
S3_SENTENCES = (
    ("Unable to load credentials", "Spark reads no other bucket than that of the store that is attached to you."),
    (
        "fs.s3a.S3AFileSystem not found",
        "Spark reads no S3 store here; an operator can name one in the field s3 of its entry.",
    ),
    ("does not support dynamicPartitionOverwrite", "S3 takes no partitionOverwriteMode dynamic; name the partition."),
    ("Unable to execute HTTP request", "The gateway of S3 does not answer; try again in a moment."),
)
"""What the text of an error has where the client does not reach a store, and the sentence for it."""
HIVE_EXCEPTION = "org.apache.hadoop.hive."
NO_RIGHT = "HDFS refuses this to you; ask the owner or the operator for the right."
INVALID = re.compile(r"^\S+ parameter (\w+) given invalid value (.*)\.$", re.DOTALL)
"""An option that Spark's machine learning does not take, after the name of its stage."""
PREFIXES = ("[USER_RAISED_EXCEPTION] ", "requirement failed: ", "assertion failed: ")
MISSING = (
    "A value is missing (NA) in a column that a stage reads, and this stage takes none; filter() such rows out, or fill "
    "them with coalesce()."
)
IN_R = re.compile(r'rc2-sentence(".*?")rc2-sentence')
"""An error of R on an executor, as `r_process.Refusal` writes it."""
PLACE = re.compile(r"\(line (\d+), pos (\d+)\)")


def described(error, sql):
    """The error of this package for one of the client."""
    text = str(error)
    if found := TRANSPORT.search(text):
        text = found[1]
    if found := IN_R.search(text):
        return DataError(json.loads(found[1]))
    message, detail = plain(END_OF_MESSAGE.sub("", text).strip()) or type(error).__name__, cause(error, text)
    if detail and (sentence := of_s3(detail)):
        message, detail = sentence, None
    fields = {
        "sqlstate": error.getSqlState(),
        "position": position(error, text, sql),
        "detail": detail,
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
    if sentence := of_s3(message):
        return sentence
    if found := INVALID.match(message):
        return invalid_option(found[1], found[2])
    if message.startswith('Cannot invoke "'):
        return MISSING
    for prefix in PREFIXES:
        message = message.removeprefix(prefix)
    return message.replace("handleInvalid", "handle_invalid")


def of_s3(text):
    """The sentence of a store, of its gateway, or about why neither was reached; None for another error."""
    if found := S3.match(text):
        return found[1]
    return next((sentence for mark, sentence in S3_SENTENCES if mark in text), None)


def invalid_option(name, content):
    """The sentence about an option with a wrong value, by the name that it has in R: max_depth for maxDepth."""
    return f"{re.sub('[A-Z]+', lambda capitals: '_' + capitals[0].lower(), name)} cannot be {content}."


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
