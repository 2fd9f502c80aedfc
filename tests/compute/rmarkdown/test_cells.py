"""A document as notebook cells and back: nothing is lost, and an edit changes its own lines only."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rc2hub.compute.rmarkdown.cells import Cell, to_cells, to_document
from rc2hub.compute.rmarkdown.document import BEGIN, Kind, Piece, split
from tests.compute.rmarkdown.test_document import DOCUMENTS, RANDOM_DOCUMENTS

TEXT = """---
title: Trial
---

Some text.

```{r wipe, eval=FALSE}
unlink("results")
```

```{r}
1
```

More text.

> ```{bash}
> ls
> ```
"""


def cells(text: str) -> list[Cell]:
    """The cells after a way through a browser."""
    return json.loads(json.dumps(to_cells(text)))  # type: ignore[no-any-return]


@settings(max_examples=2000, deadline=None)
@given(RANDOM_DOCUMENTS)
def test_any_text_is_the_same_after_open_and_save(text: str) -> None:
    assert "".join(piece.text for piece in split(text)) == text
    assert to_document(cells(text)) == text


def test_a_browser_that_changes_line_ends_edits_nothing() -> None:
    text = "a\rb\r\n\r\n```{r}\r\n1\n2\r\n```\r\n"
    opened = cells(text)
    assert [cell["source"] for cell in opened] == ["a\nb", "1\n2"]
    assert to_document(opened) == text


def ends_at_its_own_fence(piece: Piece) -> bool:
    begin = BEGIN.fullmatch(piece.opening.rstrip("\r\n"))
    return not begin or not piece.closing or piece.closing.rstrip() == begin["fence"]


@settings(max_examples=400, deadline=None)
@given(RANDOM_DOCUMENTS, st.data())
def test_an_edited_chunk_changes_its_own_lines_only_and_stays_one_chunk(text: str, data: st.DataObject) -> None:
    if not all(map(ends_at_its_own_fence, split(text))):
        return  # where knitr finds the end of such a chunk depends on the lines behind it
    opened = cells(text)
    codes = [number for number, cell in enumerate(opened) if cell["cell_type"] == "code"]
    if not codes:
        return
    number = data.draw(st.sampled_from(codes))
    before = to_document(opened[:number])
    after = to_document(opened[number + 1 :])
    opened[number]["source"] += "\nnew <- 1"
    edited = to_document(opened)
    assert edited.startswith(before)
    assert edited.endswith(after)
    again = cells(edited)
    if edited.startswith(("```{", "> ```{", "  ```{", "\t```{", "    ```{")) and number == 0:
        return  # knitr ends a chunk in the first line of a file at any fence
    assert [cell["cell_type"] for cell in again] == [cell["cell_type"] for cell in opened]
    assert "new <- 1" in again[number]["source"]


def test_in_an_edited_chunk_the_other_lines_stay_as_they_were() -> None:
    text = "```\n```{r}\n````\n  ```{python}\n```{=html}\n  b\r\n```\n"
    opened = cells(text)
    opened[2]["source"] += "\nnew"
    edited = to_document(opened)
    assert edited == text.replace("  b\r\n", "  b\r\n  new\r\n")
    assert [cell["source"] for cell in cells(edited)] == [cell["source"] for cell in opened]


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_one_edited_cell_changes_its_lines_only(file: Path) -> None:
    text = file.read_bytes().decode()
    for number, cell in enumerate(cells(text)):
        opened = cells(text)
        opened[number]["source"] = cell["source"] + "\nedited"
        edited = to_document(opened)
        origin = cell["metadata"]["rmarkdown"]
        own = "".join(origin[name] for name in ("before", "opening", "body", "closing", "after"))
        at = len(to_document(opened[:number]))
        assert edited.startswith(text[:at])
        assert edited.endswith(text[at + len(own) :])
        assert "edited" in edited


def test_the_header_of_a_chunk_is_the_first_line_of_its_cell_and_can_be_edited_there() -> None:
    opened = cells(TEXT)
    assert [cell["source"] for cell in opened] == [
        "---\ntitle: Trial\n---",
        "Some text.",
        '%%r wipe, eval=FALSE\nunlink("results")',
        "1",
        "More text.",
        "%%bash\nls",
    ]
    opened[2]["source"] = '%%r wipe\nunlink("results")'
    opened[3]["source"] = "%%python, echo=FALSE\n1"
    opened[5]["source"] = "ls"
    expected = TEXT.replace("{r wipe, eval=FALSE}", "{r wipe}").replace("```{r}\n1", "```{python, echo=FALSE}\n1")
    assert to_document(opened) == expected.replace("{bash}", "{r}")


def new(cell_type: str, source: str) -> Cell:
    return {"cell_type": cell_type, "source": source, "metadata": {}}


def test_a_new_cell_has_a_blank_line_around_it_and_changes_nothing_else() -> None:
    for position in range(1, 7):
        for cell, written in ((new("code", "2"), "```{r}\n2\n```\n"), (new("markdown", "New."), "New.\n")):
            opened = cells(TEXT)
            changed = to_document([*opened[:position], cell, *opened[position:]])
            assert changed.replace("\n" + written, "", 1).replace("\n\n\n", "\n\n") in (
                TEXT,
                TEXT.replace("---\n\nS", "---\nS"),
            )
            assert f"\n\n{written}" in changed


def test_the_empty_cell_that_jupyterlab_adds_behind_the_last_one_is_not_saved() -> None:
    assert to_document([*cells(TEXT), new("code", "")]) == TEXT


def test_a_removed_cell_takes_its_lines_with_it() -> None:
    opened = cells(TEXT)
    del opened[2]
    assert to_document(opened) == TEXT.replace('```{r wipe, eval=FALSE}\nunlink("results")\n```\n\n', "")


def test_moved_cells_keep_their_text() -> None:
    opened = cells(TEXT.rstrip("\n"))
    opened[4], opened[5] = opened[5], opened[4]
    assert to_document(opened) == TEXT.replace("\nMore text.\n", "").replace("```\n\n> ", "```\n\n> ") + "\nMore text.\n\n"


def test_a_split_cell_becomes_two_chunks_and_merged_cells_one() -> None:
    opened = cells(TEXT)
    first, second = copy.deepcopy(opened[3]), copy.deepcopy(opened[3])
    first["source"], second["source"] = "1", "2"
    split_text = to_document([*opened[:3], first, second, *opened[4:]])
    assert split_text == TEXT.replace("```{r}\n1\n```\n", "```{r}\n1\n```\n\n```{r}\n2\n```\n")
    again = cells(split_text)
    again[3]["source"] = "1\n2"
    del again[4]
    assert to_document(again) == TEXT.replace("1\n```", "1\n2\n```")


def test_a_cell_whose_type_was_changed_is_written_as_that_type() -> None:
    opened = cells(TEXT)
    opened[1]["cell_type"], opened[3]["cell_type"] = "code", "markdown"
    assert to_document(opened) == TEXT.replace("Some text.", "```{r}\nSome text.\n```").replace("```{r}\n1\n```", "1")


def test_a_fence_in_the_code_makes_the_fence_of_its_chunk_longer() -> None:
    opened = cells("Text.\n\n```{cat}\nx\n```\n")
    opened[1]["source"] = "%%cat\n```{r}\n1\n```"
    edited = to_document(opened)
    assert edited == "Text.\n\n````{cat}\n```{r}\n1\n```\n````\n"
    assert [piece.kind for piece in split(edited)] == [Kind.TEXT, Kind.CHUNK]


def test_a_chunk_that_never_ends_gets_its_end_when_something_follows() -> None:
    opened = cells("Text.\n\n```{r}\n1")
    assert to_document([*opened, new("markdown", "End.")]) == "Text.\n\n```{r}\n1\n```\n\nEnd.\n"


def test_new_lines_end_as_those_of_the_document() -> None:
    opened = cells("Text.\r\n\r\n```{r}\r\n1\r\n```\r\n")
    opened[1]["source"] = "1\n2"
    assert to_document([*opened, new("code", "3")]) == "Text.\r\n\r\n```{r}\r\n1\r\n2\r\n```\r\n\r\n```{r}\r\n3\r\n```\r\n"
