"""The chart from outside: a browser uses the Ingress with TLS, logs in at the provider, and works with R."""

import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.cluster.cluster import Cluster
from tests.cluster.helm.release import PROBE, Release, released
from tests.cluster.provider import provided
from tests.fixtures.browser import FLAGS, open_as_notebook, shoot
from tests.fixtures.hub import ROOT
from tests.fixtures.oidc import PASSWORD

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def release(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    values = {
        "postgresql.enabled": True,
        "postgresql.sampleData": True,
        "postgresql.storage.size": "1Gi",
        "postgresql.databases": {"flights": {"display_name": "Flights from New York", "schemas": ["public", "dataexpo"]}},
        "spark.enabled": True,
        "spark.resources.requests": {"cpu": "10m", "memory": "64Mi"},
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
        yield await context.new_page()
        await browser.close()


async def log_in(page: Page, release: Release, name: str) -> None:
    await page.goto(release.url)
    await page.get_by_role("button", name=re.compile("^Sign in with")).click()
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def upload(release: Release, *names: str) -> None:
    """Upload examples to alice's home, with the folder that they are in."""
    async with release.client() as client:
        for name in names:
            for folder in Path(name).parents[:-1]:
                made = await client.call("PUT", f"/user/alice/api/contents/{folder}", json={"type": "directory"})
                assert made[0] == 201
            file = {"type": "file", "format": "text", "content": (ROOT / "examples" / name).read_text()}
            assert (await client.call("PUT", f"/user/alice/api/contents/{name}", json=file))[0] == 201


async def run_all(page: Page, title: str) -> None:
    """Run all cells of the notebook with this title, which is open."""
    await page.get_by_text(title).first.wait_for()
    await page.get_by_text("R | Idle").wait_for(timeout=60_000)
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
    await page.wait_for_url("**/user/alice/lab**", timeout=60_000)
    await upload(release, "flights.ipynb")
    await page.goto(f"{release.url}/user/alice/lab/tree/flights.ipynb")
    await run_all(page, "Delays by carrier and month")
    await expect(page.get_by_text("336 776 flights")).to_be_visible(timeout=60_000)
    await shoot(page, "cluster-2-notebook")
    await upload(release, "03-linear-regression.Rmd", "data/slump.csv")
    await page.goto(f"{release.url}/user/alice/lab?reset")  # without the first notebook
    await open_as_notebook(page, "03-linear-regression.Rmd")
    await run_all(page, "The strength of concrete")
    await expect(page.get_by_text("R and Spark agree on all 16 coefficients.")).to_be_visible(timeout=120_000)
    await shoot(page, "cluster-3-spark")


async def test_bob_sees_the_contact_for_a_grant(release: Release, page: Page) -> None:
    await log_in(page, release, "bob")
    await expect(page.get_by_label("Flights from New York (read)")).to_be_disabled()
    await page.goto(f"{release.url}/hub/spawn?opt-service=flights")
    await expect(page.get_by_text("flights: you have no grant for this service; ask the data team.").first).to_be_visible()


async def test_a_user_in_no_allowed_group_cannot_log_in(release: Release, page: Page) -> None:
    await log_in(page, release, "eve")
    await expect(page.get_by_text("Your account may not use this hub")).to_be_visible()
