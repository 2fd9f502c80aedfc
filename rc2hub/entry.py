"""What an operator writes, read by pydantic: a mistake becomes one sentence that names the place and the accepted values.

The description of a field is the end of that sentence: "'cpu' must be <description>". A sentence never repeats the value of
an `UNSHOWN` field, which may hold a secret that was written there by mistake.
"""

import traceback
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from traitlets.config.loader import Config, ConfigFileNotFound, PyFileConfigLoader

from rc2hub.errors import ConfigurationError

UNSHOWN = {"writeOnly": True}
"""Marks a field whose value no sentence repeats, with JSON schema's own word."""
MAX_NAME = 30
"""Characters of a name: it becomes a part of names of Kubernetes and PostgreSQL, which have 63 at most."""
MAX_SHOWN = 40
"""Characters of a wrong value that a sentence repeats."""
NAME_DESCRIPTION = f"a lower-case letter and up to {MAX_NAME - 1} letters, digits and '-', the last one no '-'"
Name = Annotated[
    str,
    StringConstraints(strict=True, max_length=MAX_NAME, pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?\z"),
    Field(description=NAME_DESCRIPTION),
]
"""The name of a profile, a shared service or a group folder."""
Text = Annotated[str, StringConstraints(strict=True, pattern=r"\S"), Field(description="a text for users")]
"""A text that users read."""
Kind = TypeVar("Kind")


def read_file(file: Path) -> Config:
    """JupyterHub's configuration file, as the hub reads it.

    Raises:
        ConfigurationError: if there is no such file, or its code raises an exception.
        SystemExit: with one sentence, if `install(c)` in it finds a mistake.
    """
    path = str(file.absolute())
    try:
        return PyFileConfigLoader(path).load_config()
    except ConfigFileNotFound as error:
        raise ConfigurationError(f"there is no file {file}; name JupyterHub's configuration file with --config.") from error
    except Exception as error:  # noqa: BLE001 - the operator's code can raise anything
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        line = lines[-1] if lines else getattr(error, "lineno", 1)
        # the text of another exception may repeat a secret
        reason = f": {error}" if isinstance(error, NameError | ImportError | SyntaxError) else ""
        raise ConfigurationError(f"{file}, line {line}, raises {type(error).__name__}{reason}.") from None


def read_entry(kind: type[Kind], where: str, entry: object) -> Kind:
    """Make a pydantic dataclass from a dictionary of the configuration.

    Raises:
        ConfigurationError: naming `where`, the field and the accepted values.
    """
    fields: dict[str, FieldInfo] = kind.__pydantic_fields__  # type: ignore[attr-defined]
    try:
        return TypeAdapter(kind).validate_python(entry)
    except ValidationError as error:
        place, problem, value = _first(error)
    if not place:
        raise ConfigurationError(f"{where} must be a dictionary with the fields {', '.join(sorted(fields))}.")
    name = str(place[0])
    if name not in fields:
        raise ConfigurationError(f"{where}: unknown field {name!r}; accepted are {', '.join(sorted(fields))}.")
    if problem.startswith("missing"):
        raise ConfigurationError(f"{where} lacks the field {name!r}, {fields[name].description}.")
    _refuse(f"{where}: {name!r}", fields[name], value)


def read_value(kind: Any, where: str, value: object) -> Any:
    """Check one value against an annotated type, such as `Name`.

    Raises:
        ConfigurationError: naming `where` and the accepted values.
    """
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        _refuse(where, FieldInfo.from_annotation(kind), value)


def _refuse(where: str, field: FieldInfo, value: object) -> NoReturn:
    text = repr(value)
    shown = f", not {text if len(text) <= MAX_SHOWN else f'{text[:MAX_SHOWN]}…'}"
    raise ConfigurationError(f"{where} must be {field.description}{'' if field.json_schema_extra == UNSHOWN else shown}.")


def _first(error: ValidationError) -> tuple[tuple[int | str, ...], str, object]:
    """Place, kind and value of the first mistake. The error itself is dropped: its text has the value."""
    first = error.errors(include_url=False, include_context=False)[0]
    return first["loc"], first["type"], first["input"]
