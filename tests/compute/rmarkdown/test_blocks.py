"""The HTML of a preview in blocks."""

import base64
import subprocess
from pathlib import Path

import pytest

from rc2hub.compute.rmarkdown.blocks import FROM, PANDOC, Block, Blocks, Output, State
from rc2hub.compute.rmarkdown.document import split


@pytest.fixture
def blocks(tmp_path: Path) -> Blocks:
    return Blocks(tmp_path)


async def render(blocks: Blocks, text: str, *states: State) -> list[tuple[Block, str]]:
    """The blocks of a text whose chunks are shown as they are, with their HTML."""
    pieces = split(text)
    outputs = [
        Output(piece.text, state) for piece, state in zip(pieces, [*states, *[State.FRESH] * len(pieces)], strict=False)
    ]
    return [(block, blocks.html[block.key.split(".")[0]]) for block in await blocks.render(pieces, outputs)]


CHUNK = "```{r}\n1\n```\n"


async def test_text_and_chunks_are_blocks_with_their_lines(blocks: Blocks) -> None:
    found = await render(blocks, f"---\ntitle: A *fine* title\nauthor: Alice\n---\n\nSome **text**.\n\n{CHUNK}More.\n")
    assert [block.line for block, _ in found] == [1, 5, 8, 11]
    assert '<h1 class="title">A <em>fine</em> title</h1>' in found[0][1]
    assert '<p class="author">Alice</p>' in found[0][1]
    assert "<strong>text</strong>" in found[1][1]


@pytest.mark.parametrize(("begin", "end"), [("~~~", "~~~"), ("<!--", "-->"), ("<div>\n~~~~ r", "~~~~\n</div>")])
async def test_what_begins_before_a_chunk_and_ends_after_it_is_as_pandoc_shows_it(
    blocks: Blocks, begin: str, end: str
) -> None:
    text = f"One.\n\n{CHUNK}\n{begin}\n\n{CHUNK}Two *words*.\n\n{end}\n\n{CHUNK}Three.\n"
    for shown in (text, text.replace(f"{begin}\n", ""), text.replace(f"{end}\n", "")):  # while it is typed, too
        html = "".join(html for _, html in await render(blocks, shown))
        whole = subprocess.run([*PANDOC, FROM], input=shown, capture_output=True, text=True, check=True).stdout
        assert "".join(html.split()) == "".join(whole.split())


async def test_the_same_text_twice_has_two_keys(blocks: Blocks) -> None:
    keys = [block.key for block, _ in await render(blocks, CHUNK + CHUNK)]
    assert len(set(keys)) == 2
    assert len(blocks.html) == 1


async def test_an_edit_gives_a_new_key_to_its_own_block_only(blocks: Blocks) -> None:
    before = await render(blocks, f"One.\n\n{CHUNK}Two.\n")
    after = await render(blocks, f"One!\n\n{CHUNK}Two.\n")
    assert [b[0].key == a[0].key for b, a in zip(before, after, strict=True)] == [False, True, True]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<details>\n<summary>Solution</summary>\n\n", "\n</details>\n"),
        ("::: {.note}\n", "\n:::\n"),
        ('<div class="row"><div class="column">\n', "\n</div></div>\n"),
    ],
)
async def test_a_chunk_inside_of_an_element_is_in_its_block(blocks: Blocks, before: str, after: str) -> None:
    found = await render(blocks, f"First.\n\n{CHUNK}{before}{CHUNK}{after}{CHUNK}Last.\n")
    assert len(found) == 5
    assert found[2][1].count("<div") + found[2][1].count("<details") == found[2][1].count("</d")


async def test_a_chunk_inside_of_a_list_is_in_its_block(blocks: Blocks) -> None:
    found = await render(blocks, "- one\n\n  ```{r}\n  1\n  ```\n\n- two\n")
    assert len(found) == 1
    assert found[0][1].count("<li>") == 2


async def test_footnotes_are_numbered_through_the_document(blocks: Blocks) -> None:
    found = await render(blocks, f"One.[^a]\n\n{CHUNK}Two.[^b]\n\n[^a]: First.\n\n[^b]: Second.\n")
    assert 'href="#fn1"' in found[0][1]
    assert 'href="#fn2"' in found[2][1]
    assert "Second." in found[2][1]


async def test_citations_have_their_references_at_the_end(blocks: Blocks, tmp_path: Path) -> None:
    (tmp_path / "books.bib").write_text("@book{knuth, author={Knuth, Donald}, title={Literate Programming}, year={1992}}")
    found = await render(blocks, f"---\nbibliography: books.bib\n---\n\nSee @knuth.\n\n{CHUNK}End.\n")
    assert "Knuth (1992)" in found[1][1].replace("\n", " ")
    assert "Literate Programming" in found[3][1]


async def test_figures_of_the_documents_folder_are_in_the_page(blocks: Blocks, tmp_path: Path) -> None:
    (tmp_path / "a picture.png").write_bytes(b"PNG")
    found = await render(
        blocks, "![A picture](a%20picture.png)\n\n![Absent](absent.png)\n\n![Far](https://example.org/x.png)\n"
    )
    assert f'src="data:image/png;base64,{base64.b64encode(b"PNG").decode()}"' in found[0][1]
    assert 'src="absent.png"' in found[0][1]
    assert 'src="https://example.org/x.png"' in found[0][1]


async def test_a_block_is_as_current_as_its_oldest_part(blocks: Blocks) -> None:
    text = f"<details>\n\n{CHUNK}\n</details>\n"
    assert [block.state for block, _ in await render(blocks, text, State.FRESH, State.OLD)] == [State.OLD]
    assert [block.state for block, _ in await render(blocks, text, State.OLD, State.WAITING)] == [State.WAITING]
    assert [block.state for block, _ in await render(blocks, text)] == [State.FRESH]
