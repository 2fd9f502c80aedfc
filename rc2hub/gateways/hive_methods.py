"""The methods of Hive's metastore that are offered, and where in a call the databases and locations stand.

A list says what may pass, and everything else is refused: roles, tokens, transactions and notifications; expressions that
the metastore would unpack as Java objects (`get_partitions_by_expr`); functions, whose jar would run in their readers'
drivers; and databases, which only the gateway makes. The numbers are those of Hive's `hive_metastore.thrift`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from rc2hub.gateways.webhdfs_request import READ, READERS, WRITE, WRITERS

Path = tuple[int | None, ...]
"""Numbers of fields, from the outermost struct inwards; None is every item of a list."""
FIRST, REQUEST = (1,), (1, 1)
TABLE_DATABASE, TABLE_CATALOG, TABLE_STORAGE = 2, 17, 7
PARTITION_DATABASE, PARTITION_CATALOG, PARTITION_STORAGE = 2, 9, 6
STATISTICS_DATABASE, STATISTICS_CATALOG = 2, 6


@dataclass(frozen=True)
class Method:
    """What the gateway has to know of a method."""

    level: str
    refusal: int
    """The number of the exception `MetaException` in the method's answer; clients do not repeat a call that it ends."""
    databases: tuple[Path, ...] = ()
    """Where the names of databases stand; each has to be there, for as many items as a list has."""
    catalogs: tuple[Path, ...] = ()
    """Where the names of catalogs may stand."""
    made: Path = ()
    """Where the table stands that the method makes; it gets its owner."""
    storage: tuple[Path, ...] = ()
    """Where the storage of tables and partitions may stand, which has locations."""
    missing: int = 0
    """The number of `NoSuchObjectException`, where clients expect it for a database or table that does not exist."""
    renamed: str = ""
    """The method that has taken the place of this one: its only argument is a struct of this one's arguments."""
    filtered: bool = False
    """Whether the answer is a list of databases."""

    @property
    def levels(self) -> frozenset[str]:
        """The levels of a grant that allow the method."""
        return READERS if self.level == READ else WRITERS


def _read(names: Iterable[str], refusal: int, *databases: Path, catalog: Path | None = None) -> dict[str, Method]:
    return dict.fromkeys(names, Method(READ, refusal, databases, (catalog,) if catalog else ()))


def _write(names: Iterable[str], refusal: int, *databases: Path, **more: Any) -> dict[str, Method]:
    return dict.fromkeys(names, Method(WRITE, refusal, databases, **more))


def _tables(
    names: Iterable[str], refusal: int, at: Path, *databases: Path, catalogs: tuple[Path, ...] = (), made: Path = ()
) -> dict[str, Method]:
    """Methods with a table at `at`."""
    return _write(
        names,
        refusal,
        *databases,
        (*at, TABLE_DATABASE),
        catalogs=(*catalogs, (*at, TABLE_CATALOG)),
        made=made,
        storage=((*at, TABLE_STORAGE),),
    )


def _partitions(
    names: Iterable[str], refusal: int, at: Path, *databases: Path, catalogs: tuple[Path, ...] = ()
) -> dict[str, Method]:
    """Methods with partitions at `at`."""
    return _write(
        names,
        refusal,
        *databases,
        (*at, PARTITION_DATABASE),
        catalogs=(*catalogs, (*at, PARTITION_CATALOG)),
        storage=((*at, PARTITION_STORAGE),),
    )


def _with_context(*names: str) -> tuple[str, ...]:
    return tuple(variant for name in names for variant in (name, f"{name}_with_environment_context"))


METHODS: Final[dict[str, Method]] = {
    **dict.fromkeys(("get_databases", "get_all_databases"), Method(READ, 1, filtered=True)),
    "get_database": Method(READ, 2, (FIRST,), missing=1),
    "get_database_req": Method(READ, 2, (REQUEST,), ((1, 2),), missing=1),
    "get_table": Method(READ, 1, (FIRST,), missing=2, renamed="get_table_req"),
    "get_table_req": Method(READ, 1, (REQUEST,), ((1, 4),), missing=2),
    "get_table_objects_by_name": Method(READ, 1, (FIRST,), renamed="get_table_objects_by_name_req"),
    **_read(("get_table_objects_by_name_req",), 1, REQUEST, catalog=(1, 4)),
    **_read(("get_tables", "get_tables_by_type", "get_all_tables"), 1, FIRST),
    **_read(_with_context("get_fields", "get_schema"), 1, FIRST),
    **_read(("get_partition", "get_partition_with_auth", "get_partition_by_name", "get_partition_names"), 1, FIRST),
    **_read(
        ("get_partitions_ps", "get_partition_names_ps", "get_partitions_by_filter", "get_partitions_by_names"), 1, FIRST
    ),
    **_read(("get_num_partitions_by_filter",), 1, FIRST),
    **_read(("get_partitions", "get_partitions_with_auth", "get_partitions_ps_with_auth"), 2, FIRST),
    **_read(
        ("get_partition_req", "get_partition_names_ps_req", "get_partitions_ps_with_auth_req"), 1, (1, 2), catalog=REQUEST
    ),
    **_read(("get_partitions_req",), 2, (1, 2), catalog=REQUEST),
    **_read(("get_partitions_by_names_req",), 1, REQUEST),
    **_read(("get_table_column_statistics", "get_partition_column_statistics"), 2, FIRST),
    **_read(("get_table_statistics_req",), 2, REQUEST, catalog=(1, 4)),
    **_read(("get_partitions_statistics_req", "get_aggr_stats_for"), 2, REQUEST, catalog=(1, 5)),
    **_read(("get_functions", "get_function"), 1, FIRST),
    **_tables(_with_context("create_table"), 3, FIRST, made=FIRST),
    # with the tables of a foreign key
    **_tables(("create_table_req",), 3, REQUEST, (1, 4, None, 1), (1, 4, None, 4), made=REQUEST),
    **_tables((*_with_context("alter_table"), "alter_table_with_cascade"), 2, (3,), FIRST),
    **_tables(("alter_table_req",), 2, (1, 4), (1, 2), catalogs=(REQUEST,)),
    **_write(_with_context("drop_table"), 2, FIRST),
    **_write(("drop_table_req",), 2, (1, 2), catalogs=(REQUEST,)),
    **_write(("truncate_table",), 1, FIRST),
    **_write(("truncate_table_req",), 1, REQUEST),
    **_partitions(_with_context("add_partition"), 3, FIRST),
    **_partitions(("add_partitions",), 3, (1, None)),
    **_partitions(("add_partitions_req",), 3, (1, 3, None), REQUEST, catalogs=((1, 6),)),
    **_write(_with_context("append_partition", "append_partition_by_name"), 3, FIRST),
    **_write(_with_context("drop_partition", "drop_partition_by_name"), 2, FIRST),
    **_partitions(_with_context("alter_partition"), 2, (3,), FIRST),
    **_partitions(_with_context("alter_partitions"), 2, (3, None), FIRST),
    **_partitions(("alter_partitions_req",), 2, (1, 4, None), (1, 2), catalogs=(REQUEST,)),
    **_partitions(("rename_partition",), 2, (4,), FIRST),
    **_partitions(("rename_partition_req",), 2, (1, 5), (1, 2), catalogs=(REQUEST,)),
    **_write(
        ("update_table_column_statistics", "update_partition_column_statistics"),
        3,
        (1, 1, STATISTICS_DATABASE),
        catalogs=((1, 1, STATISTICS_CATALOG),),
    ),
    **_write(
        ("update_table_column_statistics_req", "update_partition_column_statistics_req", "set_aggr_stats_for"),
        3,
        (1, 1, None, 1, STATISTICS_DATABASE),
        catalogs=((1, 1, None, 1, STATISTICS_CATALOG),),
    ),
    **_write(("delete_table_column_statistics", "delete_partition_column_statistics"), 2, FIRST),
}

DATABASES_ARE_MADE: Final = "The hub makes and keeps the databases of Hive; make a table in one of yours."
NO_FUNCTIONS: Final = "Permanent functions are not offered here; CREATE TEMPORARY FUNCTION makes one for your session."
NOT_OFFERED: Final = {
    "create_database": (3, DATABASES_ARE_MADE),
    "drop_database": (3, DATABASES_ARE_MADE),
    "alter_database": (1, DATABASES_ARE_MADE),
    "create_function": (3, NO_FUNCTIONS),
    "drop_function": (2, NO_FUNCTIONS),
    "alter_function": (2, NO_FUNCTIONS),
}
"""The methods for which Spark has a statement: the number of `MetaException`, and a sentence for the user."""
