"""R's help as the panel Help gets it: what a cell asks for, what the user looks for, and the pages behind links."""

from base64 import b64decode

import pytest

from tests.fixtures.kernel import R


@pytest.fixture
async def help_panel(r: R) -> R:
    """R with a window of JupyterLab that shows its help."""
    assert await r.open(target="rc2.help") == []
    return r


@pytest.mark.parametrize(
    ("code", "address", "text"),
    [
        ("?lm", "/library/stats/html/lm.html", "Fitting Linear Models"),
        ('help("[")', "/library/base/html/Extract.html", "Extract or Replace Parts"),
        ("?stats::filter", "/library/stats/html/filter.html", "Linear Filtering"),
        ("help(package = 'stats')", "/library/stats/html/00Index.html", "Fitting Linear Models"),
        ("vignette('dplyr')", "/library/dplyr/doc/dplyr.html", "Introduction to dplyr"),
        ("vignette(package = 'dplyr')", "/rc2/vignettes?package=dplyr", "/library/dplyr/doc/dplyr.html"),
        ("browseVignettes('dplyr')", "/rc2/vignettes?package=dplyr", "/library/dplyr/doc/dplyr.html"),
        ("help.search('^lm$', package = 'stats')", None, "../../library/stats/help/lm"),
        ("??lm", None, "The search string was"),
    ],
)
async def test_help_of_a_cell_is_in_the_panel_and_not_below_the_cell(
    help_panel: R, code: str, address: str | None, text: str
):
    [(_, _, sent)] = await help_panel.run(code)
    assert text in sent["page"]["text"]
    if address:
        assert sent["page"]["address"] == address
    assert help_panel.output == ""


async def test_help_is_below_the_cell_as_ever_without_a_window_that_shows_it(r: R):
    assert await r.run("?lm") == []
    await r.run("cat(class(.Last.value))")
    assert r.output == "help_files_with_topic"


async def test_other_values_and_a_topic_that_does_not_exist_stay_with_the_notebook(help_panel: R):
    assert await help_panel.run("1 + 1") == []
    assert await help_panel.run("?no_such_topic") == []
    assert await help_panel.run("data(package = 'stats')") == []
    assert await help_panel.run("x <- ?lm") == []


@pytest.mark.parametrize(
    ("wanted", "address"),
    [
        ("lm", "/library/stats/html/lm.html"),
        ("stats::lm", "/library/stats/html/lm.html"),
        ("abbreviate_vars", "/doc/html/Search?pattern=abbreviate_vars"),
        ("lattice", "/library/lattice/html/Lattice.html"),
        ("DBItest", "/library/DBItest/html/DBItest-package.html"),
        ("%o%", "/library/base/html/outer.html"),
    ],
)
async def test_what_the_user_looks_for_is_a_topic_a_package_or_words(help_panel: R, wanted: str, address: str):
    assert (await help_panel.ask(find=wanted))["address"] == address


async def test_a_topic_of_several_packages_is_a_list_of_them(help_panel: R):
    await help_panel.run("invisible(loadNamespace('dplyr'))")  # R looks in loaded packages
    text = (await help_panel.ask(find="filter"))["text"]
    assert "../../stats/html/filter.html" in text
    assert "../../dplyr/html/filter.html" in text


async def test_a_link_leads_to_the_page_of_its_topic_and_a_picture_is_sent(help_panel: R):
    assert (await help_panel.ask(address="/library/stats/help/glm"))["address"] == "/library/stats/html/glm.html"
    picture = await help_panel.ask(address="/library/dplyr/html/figures/lifecycle-deprecated.svg")
    assert picture["type"] == "image/svg+xml"
    assert b"<svg" in b64decode(picture["data"])


async def test_a_page_that_is_not_there_is_a_sentence(help_panel: R):
    answer = await help_panel.ask(address="/library/dplyr/html/figures/none.svg")
    assert answer["problem"] == "R has no page /library/dplyr/html/figures/none.svg."


async def test_pages_are_utf_8_in_each_locale(help_panel: R):
    await help_panel.run('old <- Sys.getlocale("LC_CTYPE"); invisible(Sys.setlocale("LC_CTYPE", "C"))')
    text = (await help_panel.ask(address="/library/dplyr/html/dplyr-package.html"))["text"]
    await help_panel.run('invisible(Sys.setlocale("LC_CTYPE", old))')
    assert "François" in text
