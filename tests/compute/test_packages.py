"""What R answers to the panel Packages: what is installed, what is attached, and when to ask again."""

from typing import Any

import pytest

from tests.fixtures.kernel import R


@pytest.fixture
async def packages(r: R) -> R:
    await r.open(target="rc2.packages")
    return r


async def by_name(r: R) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in (await r.ask())["packages"]}


async def test_installed_packages_are_shown_with_version_and_title_and_whether_they_are_attached(packages: R) -> None:
    found = await by_name(packages)
    assert found["stats"]["attached"]
    assert not found["splines"]["attached"]
    assert found["stats"]["title"] == "The R Stats Package"
    await packages.run('cat(as.character(packageVersion("dplyr")))')
    assert found["dplyr"]["version"] == packages.output
    assert list(found) == sorted(found, key=str.lower)


async def test_a_cell_that_attaches_or_detaches_a_package_makes_the_panel_ask_again(packages: R) -> None:
    await by_name(packages)
    assert [data for _, _, data in await packages.run("library(splines)")] == [{"changed": True}]
    assert (await by_name(packages))["splines"]["attached"]
    assert await packages.run("1 + 1") == []
    assert [data for _, _, data in await packages.run("detach(package:splines)")] == [{"changed": True}]


async def test_a_cell_that_installs_a_package_makes_the_panel_ask_again(packages: R) -> None:
    await packages.run(
        """folder <- file.path(tempdir(), "library"); dir.create(folder)
        .libPaths(c(folder, .libPaths()))"""
    )
    assert "only.here" not in await by_name(packages)
    made = await packages.run(
        """dir.create(file.path(tempdir(), "only.here"))
        writeLines(c("Package: only.here", "Version: 1.2", "Title: For", "    This Test"), file.path(tempdir(), "only.here/DESCRIPTION"))
        invisible(file.create(file.path(tempdir(), "only.here/NAMESPACE")))
        install.packages(file.path(tempdir(), "only.here"), repos = NULL, type = "source", quiet = TRUE)"""
    )
    assert [data for _, _, data in made] == [{"changed": True}]
    assert (await by_name(packages))["only.here"] == {
        "name": "only.here",
        "version": "1.2",
        "title": "For This Test",
        "attached": False,
    }


async def test_without_a_panel_a_cell_sends_nothing(r: R) -> None:
    assert await r.run("library(splines)") == []
    assert await r.run("detach(package:splines)") == []
