"""An S3 store from R, in a whole login: a user works in the own folders, is refused like elsewhere, and loses it with the grant."""

import asyncio
import os
import re
import signal
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from rc2hub.processes import free_ports
from tests.fixtures.hub import Client, Kernel, Rc2, RError, rc2_with, until
from tests.fixtures.s3 import Store
from tests.test_kill import children

GATEWAY = b"rc2hub.gateways.s3_gateway"

CATALOGUE = """
c.SharedServices.catalogue["store"] = {{
    "kind": "s3",
    "gateway": "http://127.0.0.1:{port}",
    "endpoint": "{store.endpoint}",
    "bucket": "lab",
    "prefix": "rc2/",
    "credentials": "{store.credentials}",
    "groups": ["staff"],
}}
c.SharedServices.catalogue["spark"]["s3"] = "store"
c.JupyterHub.load_roles += [{{"name": "researchers", "groups": ["researchers"], "scopes": ["custom:rc2:store:write"]}}]
"""


@pytest.fixture(scope="module")
def rc2(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rc2]:
    """An Rc² that offers the store of the tests."""
    with rc2_with(tmp_path_factory.mktemp("rc2"), CATALOGUE.format(port=free_ports(1)[0], store=store)) as running:
        yield running


@pytest.fixture(scope="module")
async def session(rc2: Rc2) -> AsyncIterator[Kernel]:
    """R of alice's server, which the tests share."""
    rc2.groups(alice=["researchers", "staff", "analysts"], bob=[])
    async with (
        rc2.client() as client,
        client.working("alice", ["store:write"], 'store <- rc2::rc2_s3("store"); file <- tempfile()') as kernel,
    ):
        yield kernel


@pytest.fixture
async def r(rc2: Rc2, session: Kernel) -> Kernel:
    """R of alice, who has the store at the level write and is of the staff."""
    rc2.groups(alice=["researchers", "staff", "analysts"], bob=[])
    await attached(session)
    return session


async def attached(r: Kernel) -> None:
    """Wait until the store answers R."""

    async def is_attached() -> bool:
        code = 'cat(tryCatch(nrow(store$ls("/groups/staff")) >= 0, error = function(error) FALSE))'
        return await r.run(code) == "TRUE"

    await until(is_attached, interval=0.5)


async def test_a_user_writes_and_reads_in_the_own_folder_and_that_of_a_group(r: Kernel, store: Store):
    await r.run('write.csv(data.frame(x = 1:3), file, row.names = FALSE); store$put(file, "x.csv", overwrite = TRUE)')
    assert await r.run('cat(sum(store$read_csv("x.csv")$x))') == "6"
    assert await store.call("GET", "/lab/rc2/users/alice/x.csv") == b'"x"\n1\n2\n3\n'
    await r.run('store$mv("x.csv", "/groups/staff/x.csv", overwrite = TRUE)')
    assert await r.run('cat("x.csv" %in% store$ls("/groups/staff")$name)') == "TRUE"
    assert await r.run("s <- rc2::rc2_services(); cat(s$role[s$service == 'store'])") == "users/alice"


@pytest.fixture
async def spark(r: Kernel) -> Kernel:
    """R of alice with a connection to Spark, and a Parquet file in the store."""
    await r.run("con <- rc2::rc2_spark(); library(dplyr, warn.conflicts = FALSE)")
    await r.run('store$write_parquet(mtcars, "cars.parquet", overwrite = TRUE)')
    return r


async def files_of(store: Store, start: str) -> list[str]:
    """The files of alice whose names begin so; this store lists folders that have none any more, too."""
    listed = await store.call("GET", f"/lab?list-type=2&prefix=rc2%2Fusers%2Falice%2F{start}")
    keys = [key.removeprefix("rc2/users/alice/") for key in re.findall("<Key>([^<]*)</Key>", listed.decode())]
    return [key for key in keys if not key.endswith("/")]


async def test_spark_reads_and_writes_what_r_and_python_read(spark: Kernel, store: Store):
    await spark.run('total <- pull(summarise(store$tbl(con, "cars.parquet"), n = sum(cyl)), n)')
    assert await spark.run("cat(total)") == "198"
    await spark.run('by <- count(store$tbl(con, "cars.parquet"), cyl); store$write_parquet(by, "by cyl")')
    assert await spark.run('cat(sort(store$read_parquet("by cyl", bigint = "integer")$n))') == "7 11 14"
    # replaced by what was read from it
    await spark.run('few <- filter(store$tbl(con, "by cyl"), cyl > 4); store$write_parquet(few, "by cyl", overwrite = TRUE)')
    assert await spark.run('cat(sort(store$read_parquet("by cyl", bigint = "integer")$n))') == "7 14"
    names = [*await files_of(store, "by%20cyl"), *await files_of(store, ".by")]
    assert [name for name in names if not re.fullmatch(r"by cyl/(part-.*\.snappy\.parquet|_SUCCESS)", name)] == []


async def test_spark_appends_to_a_table_and_replaces_a_partition(spark: Kernel):
    await spark.run("""copy_to(con, data.frame(x = 1:2, city = c("Zürich", "a/b %")), "cities", overwrite = TRUE)
        run <- function(code) DBI::dbExecute(con, code)
        run("CREATE TABLE written USING parquet PARTITIONED BY (city)
             LOCATION 's3a://lab/rc2/users/alice/cities' AS SELECT * FROM cities")
        run("INSERT INTO written SELECT x + 10, city FROM cities")
        run("INSERT OVERWRITE written PARTITION (city = 'Zürich') SELECT 21")""")
    await spark.run("found <- arrange(collect(store$tbl(con, 'cities')), x)")
    assert await spark.run("cat(found$x, found$city)") == "2 12 21 a/b % a/b % Zürich"
    python = """
import json, os; from pathlib import Path; from pyarrow import dataset, fs
attached = json.loads(Path(os.environ["RC2_ATTACHMENTS_DIR"], "attachments.json").read_text())["attachments"]
settings = next(entry["settings"] for entry in attached if entry["kind"] == "s3")
store = fs.S3FileSystem(access_key="rc2", secret_key="rc2", session_token=os.environ["JUPYTERHUB_API_TOKEN"],
    endpoint_override=settings["gateway"], region=settings["region"])
print(sorted(dataset.dataset("lab/rc2/users/alice/cities", filesystem=store, format="parquet").to_table()["x"].to_pylist()))
"""
    await spark.run(f"writeLines({python!r}, file)")
    assert await spark.run('cat(system2(Sys.getenv("RC2_DATA_PYTHON"), file, stdout = TRUE))') == "[2, 12, 21]"


async def test_spark_uses_the_folders_of_groups(spark: Kernel):
    await spark.run('store$write_parquet(store$tbl(con, "cars.parquet"), "/groups/staff/cars", overwrite = TRUE)')
    await spark.run('cars <- collect(store$tbl(con, "/groups/staff/cars"))')
    assert await spark.run("cat(nrow(cars))") == "32"


async def test_spark_finds_objects_with_odd_names(spark: Kernel):
    for name in ("a b+", "100%", "%41", "ü 名", "a*b", "[x]", "{a,b}", "it's", "a?b#c"):
        await spark.run(f"""write.csv(head(mtcars, 3), file); store$put(file, "by spark/{name}.csv", overwrite = TRUE)""")
        await spark.run(f"""rows <- nrow(collect(store$tbl(con, "by spark/{name}.csv")))""")
        assert await spark.run("cat(rows)") == "3", name


async def test_what_is_refused_to_spark_is_one_sentence(spark: Kernel):
    refused = r"^Error: rc2/users/bob/x[^ ]* is in no folder of yours; yours: rc2/users/alice/ and rc2/groups/staff/\.\n$"
    with pytest.raises(RError, match=refused):
        await spark.run("""collect(store$tbl(con, "/users/bob/x.parquet"))""")
    with pytest.raises(RError, match=refused):
        await spark.run(
            """DBI::dbExecute(con, "INSERT OVERWRITE DIRECTORY 's3a://lab/rc2/users/bob/x' USING csv SELECT 1")"""
        )
    with pytest.raises(
        RError, match=r"^Error: Spark reads no other bucket than that of the store that is attached to you\.\n$"
    ):
        await spark.run("""DBI::dbGetQuery(con, "SELECT * FROM parquet.`s3a://other/x`")""")
    with pytest.raises(RError, match="/users/alice/cars.parquet exists; overwrite = TRUE replaces it"):
        await spark.run("""store$write_parquet(store$tbl(con, "cars.parquet"), "cars.parquet")""")
    with pytest.raises(RError, match="Path does not exist: s3a://lab/rc2/users/alice/nowhere.parquet"):
        await spark.run("""collect(store$tbl(con, "nowhere.parquet"))""")


async def test_a_write_of_spark_that_fails_leaves_no_half_table(spark: Kernel, store: Store):
    await spark.run('store$write_parquet(store$tbl(con, "cars.parquet"), "kept", overwrite = TRUE)')
    fails = """tbl(con, sql("SELECT IF(id < 900, id, raise_error('the end')) AS x FROM range(0, 1000, 1, 8)"))"""
    for name in ("kept", "new"):
        with pytest.raises(RError, match="the end"):
            await spark.run(f'store$write_parquet({fails}, "{name}", overwrite = TRUE)')
    assert await spark.run('cat(nrow(store$read_parquet("kept")))') == "32"
    assert [*await files_of(store, "new"), *await files_of(store, ".kept")] == []


async def test_the_token_of_spark_is_no_option_that_a_user_sees(spark: Kernel):
    name = "spark.hadoop.fs.s3a.bucket.lab.session.token"
    await spark.run(f"""shown <- c(DBI::dbGetQuery(con, "SET {name}"), DBI::dbGetQuery(con, "SET"), recursive = TRUE)""")
    shown = await spark.run("cat(shown)")
    assert name in shown
    assert b64encode(b"alice").decode().rstrip("=") not in shown  # with which a token begins


@pytest.mark.parametrize(
    "use", ["collect(store$tbl(con, 'cars.parquet'))", "store$write_parquet(rows, 'w', overwrite = TRUE)"]
)
async def test_a_lost_grant_ends_sparks_work_within_thirty_seconds_and_spark_goes_on_without_the_store(
    rc2: Rc2, spark: Kernel, use: str
):
    await spark.run("""rows <- tbl(con, sql("SELECT id FROM range(1000)"))""")
    started_at = time.monotonic()
    rc2.groups(alice=["analysts"], bob=[])
    output = await spark.run(f"""cat(tryCatch(repeat {use}, error = conditionMessage))""")
    assert time.monotonic() - started_at < 30
    assert re.search("store is not attached to|store was detached from this server", output)
    assert await spark.run("cat(pull(collect(tbl(con, sql('SELECT 42 AS x'))), x))") == "42"


async def test_a_user_without_a_grant_reads_whom_to_ask(rc2: Rc2, client: Client):
    await client.create("bob")
    status, answer = await client.start("bob", services=["store:write"])
    assert (status, answer["message"]) == (403, "store: you have no grant for this service; ask the operator of this hub.")
    assert (await client.start("bob"))[0] == 201
    async with client.kernel("bob") as kernel:
        with pytest.raises(RError, match="store: you have no grant for this service; ask the operator of this hub"):
            await kernel.run('rc2::rc2_s3("store")')
    await client.stop("bob")


async def test_a_user_who_leaves_a_group_keeps_the_own_folder_alone(rc2: Rc2, r: Kernel):
    rc2.groups(alice=["researchers", "analysts"], bob=[])
    output = await r.run("cat(tryCatch(repeat store$ls('/groups/staff'), error = conditionMessage))")
    assert "rc2/groups/staff/ is in no folder of yours; yours: rc2/users/alice/." in output
    assert await r.run("cat(is.data.frame(store$ls()))") == "TRUE"


async def test_a_lost_grant_ends_a_running_write_within_thirty_seconds_and_r_goes_on(rc2: Rc2, r: Kernel):
    await r.run('hole <- file(file, "wb"); seek(hole, 2^28); writeBin(raw(1), hole); close(hole); mine <- 41')
    started_at = time.monotonic()
    rc2.groups(alice=[], bob=[])
    output = await r.run("cat(tryCatch(repeat store$put(file, 'long', overwrite = TRUE), error = conditionMessage))")
    assert time.monotonic() - started_at < 30
    assert "store" in output
    assert await r.run("cat(mine + 1)") == "42"


async def test_a_gateway_killed_in_the_middle_of_writes_leaves_a_whole_file_and_the_next_use_works(
    rc2: Rc2, r: Kernel, store: Store
):
    await r.run('hole <- file(file, "wb"); seek(hole, 2^26); writeBin(raw(1), hole); close(hole); mine <- 41')
    writes = "cat(tryCatch(repeat store$put(file, 'again', overwrite = TRUE), error = conditionMessage))"
    writing = asyncio.ensure_future(r.run(writes))

    async def has_written() -> bool:
        listed = await store.call("GET", "/lab?list-type=2&prefix=rc2%2Fusers%2Falice%2Fagain")
        return f"<Size>{2**26 + 1}</Size>".encode() in listed

    await until(has_written, interval=0.2)
    (killed,) = (pid for pid in children(rc2) if GATEWAY in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(killed, signal.SIGKILL)
    assert re.search("^store: the gateway of S3 .*; try again[.]$", (await writing).splitlines()[-1])
    await attached(r)
    assert await r.run("cat(mine + 1, store$info('again')$size == 2^26 + 1)") == "42 TRUE"
    assert await has_written()
