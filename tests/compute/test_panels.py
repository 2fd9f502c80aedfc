"""What the panels show of an R that is awkward for them; none of them changes or slows it."""

from typing import Any

import pytest

from tests.fixtures.kernel import R

TARGETS = ("variables", "packages", "plots", "connections", "help", "grid")
METHODS = "print format length str dim names summary as.character xtfrm is.na [ [[ $"
FAILING = f"for (each in strsplit('{METHODS}', ' ')[[1]]) assign(paste0(each, '.odd'), function(x, ...) stop('called'))"
ENDLESS = FAILING.replace("stop('called')", "repeat NULL")
ODD = "x <- structure(list(1), class = 'odd'); y <- structure(1:9, class = c('odd', 'factor'), levels = letters)"

SITUATIONS = {
    "a list of a million elements": ("x <- as.list(1:1e6)", {"x": ("list", [1000000], "")}),
    "a hundred thousand variables": (
        "list2env(setNames(as.list(1:1e5), sprintf('v%06d', 1:1e5)), globalenv())",
        {"v000001": ("integer", [1], "1"), "v005000": ("integer", [1], "5000")},
    ),
    "ten thousand columns": (
        "x <- as.data.frame(matrix(0, 3, 1e4))",
        {"x": ("data.frame", [3, 10000], "V1, V2, V3, V4, V5, V6, …")},
    ),
    "methods that fail": (f"{FAILING}; {ODD}", {"x": ("odd", [1], ""), "y": ("odd", [9], "a b c d e f …")}),
    "methods that never end": (f"{ENDLESS}; {ODD}", {"x": ("odd", [1], ""), "y": ("odd", [9], "a b c d e f …")}),
    "an active binding": (
        "touched <- FALSE; makeActiveBinding('x', function() touched <<- TRUE, globalenv())",
        {"touched": ("logical", [1], "FALSE"), "x": ("not evaluated", [], "")},
    ),
    "a promise": (
        "touched <- FALSE; delayedAssign('x', touched <<- TRUE)",
        {"touched": ("logical", [1], "FALSE"), "x": ("not evaluated", [], "")},
    ),
    "a locked environment": (
        "x <- new.env(); x$inside <- 1; lockEnvironment(x, TRUE); y <- 1; lockBinding('y', globalenv())",
        {"x": ("environment", [], ""), "y": ("numeric", [1], "1")},
    ),
}


@pytest.fixture
async def all_panels(r: R) -> Any:
    """Opens all panels, and gives what Environment shows."""

    async def open_all() -> dict[str, Any]:
        [(_, _, sent)] = await r.open("variables")
        for target in TARGETS[1:]:
            await r.open(target, f"rc2.{target}", name="x")
        assert (await r.ask("connections"))["objects"] == []
        assert (await r.ask("packages"))["packages"]
        assert "plots" in await r.ask("plots", list=True)
        return {each["name"]: (each["type"], each["size"], each["value"]) for each in sent["variables"]}

    yield open_all
    for target in TARGETS:
        await r.send("comm_close", target, data={})


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_all_panels_answer_and_neither_change_nor_slow_r(r: R, all_panels: Any, situation: str) -> None:
    code, expected = SITUATIONS[situation]
    await r.run(code)
    shown = await all_panels()
    assert {name: shown[name] for name in expected} == expected
    await r.run("z <- proc.time()[[1]]")
    await r.run("cat(proc.time()[[1]] - z < 0.3)")
    assert r.output == "TRUE"
    await r.run("cat(exists('touched') && touched)")
    assert r.output == "FALSE"


async def test_the_grid_shows_all_columns_but_those_whose_methods_fail_or_never_end(r: R) -> None:
    await r.run(
        """x <- as.data.frame(matrix(0, 3, 1e4)); x$fails <- structure(1:3, class = "fails")
        x$endless <- structure(1:3, class = "endless")
        `[.fails` <- function(x, ...) stop("called"); `[.endless` <- function(x, ...) repeat NULL"""
    )
    await r.open(target="rc2.grid", name="x")
    plain: dict[str, Any] = {"order": {}, "filters": {}}
    assert len((await r.ask(**plain))["columns"]) == 10002
    page = await r.ask(**plain, rows=[0, 3], columns=[9999, 10002])
    assert page["cells"] == [["0"] * 3, ["<called>"] * 3, ["<reached elapsed time limit>"] * 3]


async def test_a_question_while_r_is_busy_is_answered_though_the_cell_fails(r: R) -> None:
    failing = r.client.execute("Sys.sleep(0.5); stop('failed')")
    waiting = r.client.execute("not_run <- TRUE")
    [(_, _, sent)] = await r.open()
    assert sent["variables"] == []
    assert (await r.reply(failing))["status"] == "error"
    assert (await r.reply(waiting))["status"] == "aborted"
