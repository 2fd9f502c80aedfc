"""The plots that R keeps for the panel Plots: as in the notebook, drawn again at any size, and within bounds."""

from base64 import b64decode
from typing import Any

import pytest

from tests.fixtures.kernel import R

SIZE = {"width": 4, "height": 3, "res": 100}


@pytest.fixture
async def plots(r: R) -> R:
    """R without plots, and the open panel."""
    await r.open(target="rc2.plots")
    for plot in (await r.ask(list=True))["plots"]:
        await r.ask(remove=[plot["number"]])
    return r


async def codes(r: R) -> list[str]:
    return [plot["code"] for plot in (await r.ask(list=True))["plots"]]


async def draw(r: R, plot: int = -1, **how: Any) -> bytes:
    number = (await r.ask(list=True))["plots"][plot]["number"]
    return b64decode((await r.ask(draw=number, **{"format": "png", **SIZE, **how}))["data"])


def pixels(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


async def test_the_panel_has_the_plots_that_the_notebook_has(plots: R):
    assert await plots.run("# first\n\nplot(1:3)\nlines(3:1)") == [("comm_msg", "panel", {"changed": True})]
    assert await codes(plots) == ["# first"]
    await plots.run("for (i in 1:2) plot(i); print(lattice::xyplot(1 ~ 1)); ggplot2::qplot(1, 1)")
    assert len(await codes(plots)) == 5
    assert await plots.run("1 + 1") == []
    await plots.run("lines(1:2)")
    assert "plot.new has not been called" in plots.output
    assert len(await codes(plots)) == 5


@pytest.mark.parametrize(
    "code",
    ["plot(1:3)", "lattice::xyplot(1:3 ~ 1:3)", "ggplot2::ggplot(cars) + ggplot2::aes(speed, dist) + ggplot2::geom_point()"],
)
async def test_a_plot_is_drawn_again_at_each_size(plots: R, code: str):
    await plots.run(code)
    assert pixels(await draw(plots)) == (400, 300)
    assert pixels(await draw(plots, width=8, res=50)) == (400, 150)
    assert (await draw(plots, format="svg")).startswith(b"<?xml")
    assert (await draw(plots, format="pdf")).startswith(b"%PDF")


async def test_what_cannot_be_drawn_at_a_size_is_one_sentence_and_leaves_no_device(plots: R):
    await plots.run("plot(1:3)")
    number = (await plots.ask(list=True))["plots"][0]["number"]
    answer = await plots.ask(draw=number, format="png", width=0.5, height=0.5, res=100)
    assert answer["problem"] == "R cannot draw this plot at this size (invalid graphics state); a larger one may do."
    await plots.run("cat(length(dev.list()))")  # that of the cell
    assert plots.output == "1"


async def test_one_plot_is_removed_and_another_window_is_told(plots: R):
    await plots.run("plot(1)")
    await plots.run("plot(2)")
    await plots.open("other", target="rc2.plots")
    await plots.ask("other", list=True)
    number = (await plots.ask(list=True))["plots"][0]["number"]
    messages = await plots.send("comm_msg", data={"remove": [number]})
    assert ("comm_msg", "other", {"changed": True}) in messages
    assert await codes(plots) == ["plot(2)"]
    assert (await plots.ask(draw=number, format="png", **SIZE))["problem"] == "R does not have this plot any more."
    await plots.send("comm_close", "other", data={})


async def test_a_window_that_is_gone_is_told_once(plots: R):
    assert len(await plots.run("plot(1)")) == 1
    assert await plots.run("plot(2)") == []


async def test_r_keeps_50_plots_and_100_mib_of_them(plots: R):
    await plots.run(
        "old <- options(jupyter.plot_mimetypes = 'text/plain'); for (i in 1:60) plot(i)"
    )  # no pictures in the cell
    assert len(await codes(plots)) == 50
    await plots.run("for (i in 1:3) plot(c(i, rep(NA, 5e6)))")  # 60 MB each
    assert len(await codes(plots)) == 2
    await plots.run("plot(1); options(old)")
    assert (await codes(plots))[1:] == ["plot(1); options(old)"]


async def test_plots_of_a_closed_panel_are_there_when_it_opens(r: R):
    assert await r.run("plot(9)") == []
    await r.open(target="rc2.plots")
    assert (await codes(r))[-1] == "plot(9)"
