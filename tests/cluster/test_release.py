"""The chart from outside: a browser uses the Ingress with TLS, logs in at the provider, and works with R."""

import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.cluster.cluster import Cluster
from tests.cluster.helm.release import COURSE_SERVICES, PROBE, Release, released
from tests.cluster.provider import provided
from tests.fixtures.browser import FLAGS, open_as_notebook, serious_findings, shoot
from tests.fixtures.course import EXAMPLES, check_document, upload
from tests.fixtures.hub import HANG_TIMEOUT, ROOT
from tests.fixtures.lab import LATE_FLIGHTS, edit_line, give_command, has_keyboard
from tests.fixtures.oidc import PASSWORD

pytestmark = pytest.mark.timeout(600)
ON_SPARK = """```{sql, connection="spark", output.var="squares"}
SELECT CAST(sum(id * id) AS int) AS total FROM range(4)
```

"""
DOCUMENT = LATE_FLIGHTS.replace("Of all", f"{ON_SPARK}Of all").replace("sum(1:10)", "sum(squares$total, 1:10)")
RUN_PIPELINES = """
arguments <- c("run_pipelines.R", "flights", "postgres")
cat(system2("Rscript", arguments, stdout = TRUE, stderr = TRUE, env = "TZ=Europe/Berlin"), sep = "\\n")
"""


@pytest.fixture(scope="module")
def release(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    values = {
        **COURSE_SERVICES,
        "sharedServices.contact": "the data team",
        "roles": [
            {"name": "probe", "services": ["probe"], "scopes": [*PROBE, "access:servers"]},
            {"name": "readers", "groups": ["analysts"], "scopes": ["custom:rc2:flights:read", "custom:rc2:spark:use"]},
        ],
    }
    cluster.image("spark")
    folder = tmp_path_factory.mktemp("provider")
    with released(cluster, **values) as release, provided(release, folder) as provider:
        for name, groups in {"alice": ["analysts"], "bob": ["visitors"], "eve": []}.items():
            provider.set_account(name, groups=groups)
        release.install("--wait-for-jobs")
        yield release


@pytest.fixture
async def page(release: Release, tmp_path: Path) -> AsyncIterator[Page]:
    """A page of a browser that trusts the cluster's authority, like the computers of an organisation trust theirs."""
    database = tmp_path / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for arguments in (
        ["-N", "--empty-password"],
        ["-A", "-n", "rc2", "-t", "C,,", "-i", release.cluster.settings["RC2_CLUSTER_CA"]],
    ):
        subprocess.run(["certutil", "-d", f"sql:{database}", *arguments], check=True)
    ingress = f"--host-resolver-rules=MAP {release.host} {release.cluster.settings['RC2_INGRESS_IP']}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*FLAGS, ingress], env={"HOME": str(tmp_path)}
        )
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(HANG_TIMEOUT * 1000)
        yield await context.new_page()
        await browser.close()


async def log_in(page: Page, release: Release, name: str) -> None:
    await page.goto(release.url)
    await page.get_by_role("button", name=re.compile("^Sign in with")).click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def run_all(page: Page, title: str) -> None:
    """Run all cells of the notebook with this title, which is open."""
    await page.get_by_text(title).first.wait_for()
    await page.get_by_text("R | Idle").wait_for()
    await page.get_by_role("menuitem", name="Run", exact=True).click()
    await page.get_by_text("Run All Cells", exact=True).click()


async def test_alice_reads_postgresql_and_spark_in_r_through_the_ingress(release: Release, page: Page) -> None:
    await log_in(page, release, "alice")
    await expect(page.get_by_label("Flights from New York (read)")).to_be_enabled()
    await expect(page.get_by_label("Flights from New York (write)")).to_be_disabled()
    await shoot(page, "cluster-1-form")
    await page.get_by_label("Flights from New York (read)").check()
    await page.get_by_label("Spark (use)").check()
    await page.get_by_role("button", name="Start").click()
    await page.wait_for_url("**/user/alice/lab**")
    async with release.client() as client:
        files = ("flights.ipynb", "03-linear-regression.Rmd", "data/slump.csv")
        await upload(client, "alice", [EXAMPLES / name for name in files])
    await page.goto(f"{release.url}/user/alice/lab/tree/examples/flights.ipynb")
    await run_all(page, "Delays by carrier and month")
    await expect(page.get_by_text("336 776 flights")).to_be_visible()
    await shoot(page, "cluster-2-notebook")
    await page.goto(f"{release.url}/user/alice/lab/tree/examples?reset")  # without the first notebook
    await open_as_notebook(page, "03-linear-regression.Rmd")
    await run_all(page, "The strength of concrete")
    await expect(page.get_by_text("R and Spark agree on all 16 coefficients.")).to_be_visible()
    await shoot(page, "cluster-3-spark")


async def test_alice_sees_a_document_of_both_services_beside_its_source_and_knits_it(release: Release, page: Page) -> None:
    async with release.client() as client:
        assert await client.write_text("alice", "late.Rmd", DOCUMENT) == 201
    await log_in(page, release, "alice")
    await page.wait_for_url("**/user/alice/lab**")
    await page.goto(f"{release.url}/user/alice/lab/tree/late.Rmd?reset")
    await page.get_by_role("tabpanel", name="late.Rmd").get_by_role("button", name="Preview").click()
    preview, status = page.frame_locator(".rc2-Preview iframe"), page.locator(".rc2-Preview-status")
    await expect(preview.get_by_text("1821 left more than 60 minutes late.")).to_be_visible()
    await expect(preview.get_by_text("[1] 69")).to_be_visible()
    await expect(status).to_contain_text("6 chunks ran")
    await edit_line(page, "limit <- 60", "limit <- 120")
    await expect(preview.get_by_text("left more than 120 minutes late.")).to_be_visible()
    await expect(status).to_have_text(re.compile("^2 chunks ran in .* s, 4 kept"))
    await edit_line(page, "sum(squares$total, 1:10)", "sum(squares$total, nothing)")
    await expect(preview.get_by_text("object 'nothing' not found")).to_be_visible()
    assert await serious_findings(page, "rc2-preview-page:late.Rmd") == []
    await shoot(page, "cluster-4-preview")
    await edit_line(page, "sum(squares$total, nothing)", "sum(squares$total)")
    await page.keyboard.press("Control+Shift+K")
    await expect(page.get_by_text("late.html is ready.")).to_be_visible()
    await page.get_by_role("tab", name="late.Rmd", exact=True).click()
    await has_keyboard(page.get_by_role("textbox", name="Source of the document"))
    await give_command(page, "Knit to PDF")
    await expect(page.get_by_text("late.pdf is ready.")).to_be_visible()
    await page.locator(".jp-PDFContainer").wait_for()
    await shoot(page, "cluster-5-pdf")


async def test_dplyr_in_a_pod_has_the_answers_of_data_frames(release: Release) -> None:
    # the image has another version of dbplyr than the machine on which test_pipelines.py runs
    tests = ROOT / "tests" / "r"
    files = [tests / "run_pipelines.R", tests / "pipelines.R", tests / "compare.R", *tests.glob("pipelines_*.R")]
    async with release.client() as client:
        for path in files:
            assert await client.write_text("alice", path.name, path.read_text()) == 201
        async with client.kernel("alice") as r:
            output = await r.run(RUN_PIPELINES)
    assert re.fullmatch(r"\d+ pipelines, \d+ documented differences\s*", output), output


async def test_a_document_keeps_a_table_in_a_spark_without_executors(release: Release) -> None:
    async with release.client() as client:
        await check_document(client, "alice", "02-flights-in-spark.Rmd")


async def test_bob_sees_the_contact_for_a_grant(release: Release, page: Page) -> None:
    await log_in(page, release, "bob")
    await expect(page.get_by_label("Flights from New York (read)")).to_be_disabled()
    await page.goto(f"{release.url}/hub/spawn?opt-service=flights")
    await expect(page.get_by_text("flights: you have no grant for this service; ask the data team.").first).to_be_visible()


async def test_a_user_in_no_allowed_group_cannot_log_in(release: Release, page: Page) -> None:
    await log_in(page, release, "eve")
    await expect(page.get_by_text("Your account may not use this hub")).to_be_visible()
