"""The chunks of a document are those of knitr."""

import subprocess
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from rc2hub.compute.rmarkdown.document import Kind, lines_of, split

DOCUMENTS = sorted(Path(__file__).with_name("documents").iterdir())
LINES = st.sampled_from([
    "```{r}", "````{r, echo=FALSE}", "```", "````", "> ```{r}", "> ```", ">```", "  ```{python}", "  ```", "\t```{r}", "x",
    "", "> x", ">", "  y", "---", "...", "title: a", "```r", "~~~", '```{r a, fig.cap="}"}', "```{=html}", "```{ r }",
    "```{r}x", "`````{verbatim}", "`````", "```{.r}", "``` {r}", "\u2028", "\x0c", "é`r 1+1`", "%%bash", "\ufeff---", "- a",
    "    ```{r}", "    ```", "```{r}\u00a0", "```\u3000", "#| eval: false", "<!--", "-->", "   ", "```{R}", "```{sql, connection=con}",
])  # fmt: skip
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])
RANDOM_DOCUMENTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.text("`{}r \n>\t-=%,\r", max_size=60),
    st.builds(
        lambda lines, last: "".join(line + end for line, end in lines) + last,
        st.lists(st.tuples(LINES, ENDS), max_size=14),
        LINES,
    ),
    st.builds(lambda lines, end: end.join(lines) + end, st.lists(LINES, max_size=14), st.sampled_from(["\n", "\r\n"])),
)


def chunks(text: str) -> str:
    """First and last line of each chunk, as `knitr_chunks.R` writes them."""
    found, number = [], 1
    for piece in split(text):
        length = len(lines_of(piece.text))
        if piece.kind is Kind.CHUNK:
            found.append(f"{number}:{number + length - 1}")
        number += length
    return ",".join(found)


def knitr_chunks(files: list[Path]) -> list[str]:
    command = ["Rscript", "--vanilla", Path(__file__).with_name("knitr_chunks.R"), *files]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_the_chunks_are_those_of_knitr(tmp_path: Path) -> None:
    files = list(DOCUMENTS)

    @settings(max_examples=400, deadline=None, database=None)
    @given(RANDOM_DOCUMENTS.filter(lambda text: text and "\0" not in text and "\r\r\n" not in text))  # three lines for R
    def write(text: str) -> None:
        files.append(tmp_path / f"{len(files)}.Rmd")
        files[-1].write_bytes(text.encode())

    write()
    by_knitr = knitr_chunks(files)
    assert len(by_knitr) == len(files) > 400
    answered = [(file, chunk) for file, chunk in zip(files, by_knitr, strict=True) if chunk != "knitr fails"]
    assert len(answered) > 0.8 * len(files)
    for file, expected in answered:
        assert chunks(file.read_bytes().decode()) == expected, file.read_bytes()
