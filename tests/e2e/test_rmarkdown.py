"""R Markdown as a notebook, as a user sees it, with a shared service."""

from playwright.async_api import Page, expect

from tests.fixtures.browser import open_as_notebook, shoot
from tests.fixtures.hub import Client, Rc2, until

DOCUMENT = """---
title: Trial
params: {year: 2013}
---

Late flights.

```{r wipe, eval=FALSE}
unlink("examples", recursive = TRUE)
```

```{sql, connection="flights", output.var="late"}
SELECT count(*) AS n FROM flights WHERE year = 2013
```

```{r,echo = F}
cat(format(late$n), "flights in", params$year)
```
"""


async def test_a_user_opens_r_markdown_as_a_notebook_runs_it_on_a_service_and_saves_it(
    rc2: Rc2, client: Client, page: Page
) -> None:
    rc2.groups(alice=["analysts"], bob=[])
    file = rc2.home / "homes" / "alice" / "trial.Rmd"
    await page.goto(rc2.new_link("alice"))
    assert (await client.start("alice", services=["flights"]))[0] == 201
    file.write_text(DOCUMENT)
    await page.goto(f"{rc2.url}/user/alice/lab")
    await open_as_notebook(page, "trial.Rmd")
    await page.get_by_text("R | Idle").wait_for()
    await page.get_by_role("menuitem", name="Run", exact=True).click()
    await page.get_by_text("Run All Cells", exact=True).click()
    await expect(page.get_by_text("Not run: this chunk has eval=FALSE.")).to_be_visible()
    await expect(page.get_by_text("336776 flights in 2013")).to_be_visible()
    await shoot(page, "8-rmarkdown")
    changed = file.stat().st_mtime_ns
    await page.keyboard.press("Control+s")

    async def is_saved() -> bool:
        return file.stat().st_mtime_ns != changed

    await until(is_saved)
    assert file.read_text() == DOCUMENT
    await client.stop("alice")


async def test_a_double_click_opens_r_markdown_as_text(rc2: Rc2, client: Client, page: Page) -> None:
    await page.goto(rc2.new_link("alice"))
    assert (await client.start("alice"))[0] == 201
    (rc2.home / "homes" / "alice" / "trial.Rmd").write_text(DOCUMENT)
    await page.goto(f"{rc2.url}/user/alice/lab")
    await page.get_by_role("listitem", name="Name: trial.Rmd").dblclick()
    await expect(page.get_by_text("```{r wipe, eval=FALSE}")).to_be_visible()
    await client.stop("alice")
