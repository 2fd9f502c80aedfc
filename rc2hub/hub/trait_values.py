"""Checks the values of traits before anything uses them: JupyterHub itself reads those of a spawner only at a login."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field
from traitlets import HasTraits, TraitError
from traitlets.config import Config, Configurable
from traitlets.config.loader import LazyConfigValue

from rc2hub.entry import UNSHOWN, Text, read_value
from rc2hub.errors import ConfigurationError

WEEK = 7 * 24 * 3600
Seconds = Annotated[float, Field(strict=True, ge=1, le=WEEK, description="a number of seconds from 1 to 604800, a week")]
Lifetime = Annotated[float, Field(strict=True, ge=60, le=WEEK, description="a number of seconds from 60 to 604800, a week")]
HttpAddress = Annotated[
    str,
    Field(
        strict=True,
        pattern=r"^https?://([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?/?\z",
        description="an address such as http://broker.example.org:8000",
        json_schema_extra=UNSHOWN,
    ),
]
Heap = Annotated[str, Field(strict=True, pattern=r"^[1-9][0-9]*[mMgG]\z", description="a size such as 512m or 2g")]
CoresOfSpark = Annotated[str, Field(strict=True, pattern=r"^(\*|[1-9][0-9]*)\z", description="a number of cores, or '*'")]
LIMITS: Mapping[str, Any] = {
    "SharedServices.broker_url": HttpAddress,
    "SharedServices.contact": Text,
    "SharedServices.lifetime": Lifetime,
    "SparkDrivers.cores": CoresOfSpark,
    "SparkDrivers.idle_stop": Seconds,
    "SparkDrivers.memory": Heap,
}
"""Class and trait to what its values must be, beyond their type."""
PROBE: Any = HasTraits()
"""Stands for the object of a trait: a trait reads the lock of its object while it checks a value."""


def setting(c: Any, section: str, name: str, default: Any) -> Any:
    """The value of a setting; `c.X.y.append(…)` and the like are applied to the default."""
    value = c.get(section, {}).get(name, default)
    return value.get_value(default) if isinstance(value, LazyConfigValue) else value


def check_traits(c: Any, kinds: Iterable[type[Configurable]]) -> None:
    """Check the type of every value for these classes and their parents, and that the classes of Rc² have such a trait.

    Raises:
        ConfigurationError: naming the setting and the accepted values.
    """
    known: dict[str, dict[str, Any]] = {}
    ours = set()
    for kind in kinds:
        for section in kind.section_names():
            known.setdefault(section, {}).update(kind.class_traits(config=True))
        ours |= {parent.__name__ for parent in kind.__mro__ if parent.__module__.startswith("rc2hub.")}
    for section, traits in known.items():
        for name, value in c.get(section, {}).items():
            where = f"c.{section}.{name}"
            if name in traits:
                check_trait(where, traits[name], value)
            elif section in ours:
                raise ConfigurationError(f"{where} does not exist; config/REFERENCE.md has all settings of Rc².")
            if limit := LIMITS.get(f"{section}.{name}"):
                read_value(limit, where, value)


def check_trait(where: str, trait: Any, value: object) -> None:
    """Check the type of one value. The sentence does not repeat it: it may be a secret.

    Raises:
        ConfigurationError: naming `where` and the accepted values.
    """
    if isinstance(value, LazyConfigValue | Config) or (value is None and trait.allow_none) or not hasattr(trait, "validate"):
        return
    try:
        trait.validate(PROBE, value)
    except TraitError as error:
        least = getattr(trait, "min", None)
        bound = "" if least is None else f", at least {least}"
        raise ConfigurationError(f"{where} must be {trait.info()}{bound}.") from error
