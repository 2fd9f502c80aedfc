"""R Markdown as a notebook and in its editor, as a user sees it, with a shared service."""

from playwright.async_api import Locator, Page, expect

from tests.fixtures.browser import open_as_notebook, reload, serious_findings, shoot
from tests.fixtures.hub import Client, Rc2, until
from tests.fixtures.lab import has_keyboard

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
        return file.stat().st_mtime_ns != changed and file.read_text() == DOCUMENT

    await until(is_saved)
    await client.stop("alice")


SOURCE = """---
title: Trial
---

# First section

```{r setup}
limit <- 60
# a comment
limit *
  2
```

```{r wipe, eval=FALSE}
unlink("examples", recursive = TRUE)
```

## Second section

```{bash shell}
echo from bash
```

```{r picture, fig.height=3}
hist(cars$speed)
head(cars, 3)
```

```{r wrong}
stop("no such luck")
```

```{r below}
"not reached"
```
"""


def output_of(page: Page, chunk: str) -> Locator:
    """The output below a chunk."""
    return page.get_by_role("group", name=f"Output of {chunk}", exact=True)


async def test_a_user_runs_the_chunks_of_r_markdown_where_they_are_written(rc2: Rc2, client: Client, page: Page) -> None:
    await page.goto(rc2.new_link("alice"))
    assert (await client.start("alice"))[0] == 201
    (rc2.home / "homes" / "alice" / "source.Rmd").write_text(SOURCE)
    await page.goto(f"{rc2.url}/user/alice/lab")
    await page.get_by_role("listitem", name="Name: source.Rmd").dblclick()
    await has_keyboard(page.get_by_role("textbox", name="Source of the document"))
    await page.get_by_text("limit <- 60").click()
    await page.keyboard.press("Control+Shift+Enter")
    await expect(output_of(page, "chunk setup")).to_contain_text("120")

    # an edit above moves the output with its chunk, and undo brings back that of a chunk that was cut
    await page.get_by_text("# First section").click()
    await page.keyboard.type(" with more")
    await page.keyboard.press("Enter")
    await expect(output_of(page, "chunk setup")).to_contain_text("120")
    await page.keyboard.press("Control+a")
    await page.keyboard.press("Delete")
    await expect(output_of(page, "chunk setup")).to_have_count(0)
    await page.keyboard.press("Control+z")
    await expect(output_of(page, "chunk setup")).to_contain_text("120")

    # statement by statement
    await page.get_by_text("# First section").click()
    for _ in range(3):  # to the chunk, and its two statements
        await page.keyboard.press("Control+Enter")
    await page.keyboard.insert_text("limit + 1\n")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Control+Enter")
    await expect(output_of(page, "chunk setup")).to_contain_text("61")
    await expect(output_of(page, "chunk setup")).to_contain_text("120")

    # the label of another chunk is completed
    await page.keyboard.press("Control+End")
    await page.keyboard.insert_text('\n```{r again, ref.label="pic')
    await page.keyboard.press("Tab")
    await page.locator(".jp-Completer-item", has_text="picture").click()
    await expect(page.get_by_text('ref.label="picture')).to_be_visible()
    await page.keyboard.insert_text('"}\n```\n')

    await page.get_by_role("button", name="Run All", exact=True).click()
    await expect(output_of(page, "chunk wipe")).to_contain_text("Not run: this chunk has eval=FALSE.")
    await expect(output_of(page, "chunk shell")).to_contain_text("from bash")
    await expect(output_of(page, "chunk picture").get_by_role("img")).to_be_visible()
    await expect(output_of(page, "chunk picture").get_by_role("columnheader", name="speed")).to_be_visible()
    await expect(output_of(page, "chunk wrong")).to_contain_text("no such luck")
    await expect(page.get_by_role("button", name="Run chunk below", exact=True)).to_be_visible()  # it does not wait
    await expect(output_of(page, "chunk below")).to_have_count(0)
    await shoot(page, "editor")
    await page.locator(".jp-FileEditor").evaluate("editor => { editor.id = 'source' }")
    assert await serious_findings(page, "source") == []

    # outputs are there again after a reload of the page
    await page.keyboard.press("Control+s")
    await reload(page)
    await expect(output_of(page, "chunk picture").get_by_role("img")).to_be_visible()
    await expect(output_of(page, "chunk setup")).to_contain_text("120")

    # what R asks and what it is stopped in, by keyboard
    await page.get_by_role("button", name="Clear the output of chunk wrong").press("Enter")
    await expect(output_of(page, "chunk wrong")).to_have_count(0)
    await page.get_by_role("tab", name="Variables of R").press("Enter")
    await page.locator(".cm-content").focus()
    await page.keyboard.press("Control+Home")
    await page.keyboard.press("Control+Alt+i")  # below the head
    await page.keyboard.insert_text('name <- readline("Name? "); cat("goes on\\n")\nrepeat Sys.sleep(0.1)')
    await page.keyboard.press("Control+Shift+Enter")
    await page.locator(".jp-Stdin-input").fill("Carol")
    await page.keyboard.press("Enter")
    await expect(output_of(page, "the chunk in line 5")).to_contain_text("goes on")
    await page.get_by_role("button", name="Stop the chunk in line 5").press("Enter")
    await expect(page.get_by_role("region", name="Environment", exact=True)).to_contain_text("Carol")
    await page.get_by_role("tab", name="Table of Contents").press("Enter")
    await expect(page.get_by_role("treeitem", name="Second section")).to_be_visible()
    await client.stop("alice")
