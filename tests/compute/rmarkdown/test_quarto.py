"""Quarto documents in Knit and Preview: what knitr and rmarkdown can do with them, and what is told about the rest."""

from pathlib import Path

import pytest

from rc2hub.compute.rmarkdown.document import split
from rc2hub.compute.rmarkdown.quarto import missing_features
from tests.compute.rmarkdown.test_knit import knit
from tests.compute.rmarkdown.test_preview import previewed

DOCUMENT = """---
title: Cars
format:
  html:
    number-sections: true
    theme: cosmo
execute:
  echo: false
  warning: false
params:
  n: 3
---

## Speed

```{r}
#| label: fig-cars
#| fig-cap: "Speed of cars"
plot(cars)
message("a message")
```

```{r}
#| echo: fenced
params$n * 14
```

```{r}
#| output: false
"unseen"
```

::: {.callout-note}
```{r}
#| output: asis
cat("*starred*")
```
:::

See @fig-cars and {{< pagebreak >}}.
"""
MISSING = "Quarto itself does not run here: its callouts, cross references and shortcodes are not made."


def is_as_in_quarto(html: str) -> bool:
    """Whether the options of head and chunks have counted."""
    shown = ("[1] 42", "params$n * 14", "<em>starred</em>", "Speed of cars")
    hidden = ("## [1] 42", "plot(cars)", "a message", "unseen", "#|")
    return all(text in html for text in shown) and not any(text in html for text in hidden)


async def test_knit_and_preview_take_the_options_of_head_and_chunks_and_tell_what_is_not_made(tmp_path: Path) -> None:
    document = tmp_path / "report.qmd"
    document.write_text(DOCUMENT)
    last = (await knit(document))[-1]
    assert last["message"] == f"report.html is ready. {MISSING}", last
    page = document.with_suffix(".html").read_text()
    assert is_as_in_quarto(page[page.index('class="title') :])
    assert '<span class="header-section-number">' in page

    async with previewed(document) as (preview, seen):
        preview.edit(DOCUMENT)
        assert is_as_in_quarto(await seen.settled())
        assert seen.last["note"] == MISSING
        preview.edit(DOCUMENT.replace("output: false", "output: true"))
        assert "unseen" in await seen.settled()
        assert (seen.last["ran"], seen.last["kept"]) == (1, 3)
        preview.edit(DOCUMENT.replace("#| output: false", "#| label: fig-cars"))
        assert "Another chunk has the label fig-cars" in await seen.settled()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Text with an address me@fig-cars.org.\n", ""),
        ("```{r}\n'@fig-cars'\n```\n", ""),
        ("@tbl-cars\n", "cross references"),
        ("::: {layout-ncol=2}\n:::\n\n```{mermaid}\ngraph TD\n```\n", "layouts and diagrams"),
    ],
)
def test_only_what_is_in_the_text_is_told(text: str, missing: str) -> None:
    sentence = f"Quarto itself does not run here: its {missing} are not made." if missing else ""
    assert missing_features(Path("a.qmd"), split(text)) == sentence
    assert missing_features(Path("a.Rmd"), split(text)) == ""
