"""What the cells of an R Markdown notebook do in R's kernel."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from rc2hub.compute.kernel import SITE_PROFILE

HEAD = """---
title: Trial
params:
  year: 2024
  day: !r as.Date("2024-02-29")
---

Text.
"""


class Notebook:
    """A kernel that was started for a document."""

    def __init__(self, file: Path) -> None:
        self.manager = KernelManager(kernel_name="ir")
        environment = {"JPY_SESSION_NAME": str(file), "R_PROFILE": str(SITE_PROFILE), "R_PROFILE_USER": ""}
        self.manager.start_kernel(cwd=str(file.parent), env={**os.environ, **environment})
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)
        self.failed = False
        self.traceback: list[str] = []

    def run(self, code: str) -> str:
        """What the cell shows: text, HTML and Markdown, and the message of an error; `failed` is whether *Run All* stops."""
        shown: list[str] = []

        def show(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                shown.append(content["text"])
            elif message["msg_type"] in {"display_data", "execute_result"}:
                data = content["data"]
                shown.append(data.get("text/markdown") or data.get("text/html") or data["text/plain"])
            elif message["msg_type"] == "error":
                shown.append(content["evalue"])
                self.traceback = content["traceback"]

        reply = self.client.execute_interactive(code, output_hook=show, timeout=120)
        self.failed = reply["content"]["status"] != "ok"
        return "".join(shown)

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "trial.Rmd").write_text(HEAD)
    (folder / "part.Rmd").write_text("From the part: `r 6 * 7`.\n\n```{r}\nplot(1)\nin_part <- 1\n```\n")
    return folder


@pytest.fixture(scope="module")
def notebook(folder: Path) -> Iterator[Notebook]:
    notebook = Notebook(folder / "trial.Rmd")
    yield notebook
    notebook.stop()


def test_a_cell_without_options_runs_as_in_any_notebook(notebook: Notebook) -> None:
    assert notebook.run("x <- 6 * 7\ncat(x)") == "42"
    assert notebook.run("%%r label, echo=FALSE\ncat(x)") == "42"
    assert "object 'nothing' not found" in notebook.run("%%r\nnothing")
    assert notebook.failed


@pytest.mark.parametrize("header", ["r wipe, eval=FALSE", "r eval = F", "r, eval=x < 0", "bash, eval=FALSE", "R eval=FALSE"])
def test_a_chunk_that_is_not_to_be_evaluated_is_not_run(notebook: Notebook, folder: Path, header: str) -> None:
    notebook.run("x <- 42")
    assert notebook.run(f"%%{header}\nfile.create('wiped'); touch wiped") == "Not run: this chunk has eval=FALSE.\n"
    assert not notebook.failed
    assert not (folder / "wiped").exists()


def test_lines_of_options_count_too(notebook: Notebook) -> None:
    assert notebook.run("#| label: wipe\n#| eval: false\ncat('run')") == "Not run: this chunk has eval=FALSE.\n"
    assert notebook.run("%%r\n#| eval: !expr 1 > 2\ncat('run')") == "Not run: this chunk has eval=FALSE.\n"
    assert notebook.run("#| echo: false\ncat('run')") == "run"
    assert notebook.run("#| wipe, eval=FALSE\ncat('run')") == "Not run: this chunk has eval=FALSE.\n"
    assert notebook.run("%%bash\n#| eval: false\necho run") == "Not run: this chunk has eval=FALSE.\n"


def test_only_the_chosen_expressions_are_run(notebook: Notebook) -> None:
    assert notebook.run("%%r eval=c(1, 3)\ncat('a')\ncat('b')\ncat('c')") == "ac"
    assert notebook.run("%%r eval=-1\ncat('a')\ncat('b')") == "b"


def test_an_error_that_is_expected_does_not_stop_the_cells_below(notebook: Notebook) -> None:
    assert notebook.run("%%r error=TRUE\nstop('expected')\ncat('goes on')") == "Error: expected\ngoes on"
    assert not notebook.failed


def test_the_options_of_all_chunks_count(notebook: Notebook) -> None:
    notebook.run("knitr::opts_chunk$set(eval = FALSE)")
    assert notebook.run("cat('run')") == "Not run: this chunk has eval=FALSE.\n"
    assert notebook.run("%%r eval=TRUE\ncat('run'); knitr::opts_chunk$set(eval = TRUE)") == "run"
    assert notebook.run("cat('run')") == "run"


def test_params_are_those_of_the_head_as_it_is_saved(notebook: Notebook, folder: Path) -> None:
    assert notebook.run("cat(params$year, format(params$day))") == "2024 2024-02-29"
    (folder / "trial.Rmd").write_text(HEAD.replace("2024\n", "2025\n"))
    os.utime(folder / "trial.Rmd", (1, 1))
    assert notebook.run("cat(params$year)") == "2025"
    notebook.run("params <- list(year = 1)")
    (folder / "trial.Rmd").write_text(HEAD)
    assert notebook.run("cat(params$year)") == "1"
    notebook.run("rm(params)")


def test_a_head_can_switch_evaluation_off_and_one_that_cannot_be_read_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "trial.qmd"
    file.write_text("---\nexecute:\n  eval: false\n---\n")
    notebook = Notebook(file)
    try:
        assert notebook.run("cat('run')") == "Not run: this chunk has eval=FALSE.\n"
        assert notebook.run("#| eval: true\ncat('run')") == "run"
        file.write_text("---\nparams: {a\n---\n")
        os.utime(file, (1, 1))
        for _ in range(2):
            assert "The head of this document cannot be read: " in notebook.run("cat('run')")
            assert notebook.failed
    finally:
        notebook.stop()


def test_bash_runs_and_its_failure_is_an_error(notebook: Notebook) -> None:
    assert notebook.run("%%bash\necho one\necho two") == "one\ntwo\n"
    notebook.run("%%bash\nexit 3")
    assert notebook.failed


def test_sql_runs_on_a_connection_of_the_session(notebook: Notebook) -> None:
    notebook.run('library(DBI); con <- dbConnect(RSQLite::SQLite()); dbWriteTable(con, "cars", cars); fast <- 24')
    assert "|  120|" in notebook.run("%%sql connection=con\nSELECT max(dist) AS dist FROM cars")
    notebook.run("%%sql, connection=con, output.var='few'\nSELECT * FROM cars WHERE speed > ?fast")
    assert notebook.run("cat(nrow(few))") == "1"
    assert "no such table: absent" in notebook.run("%%sql connection=con\nSELECT * FROM absent")
    assert notebook.failed
    assert "connection" in notebook.run("%%sql\nSELECT 1")


def test_python_shares_the_session(notebook: Notebook) -> None:
    assert notebook.run("%%python\nanswer = 6 * 7\nprint(answer)") == "42\n"
    assert notebook.run("cat(reticulate::py$answer)") == "42"


def test_other_engines_run(notebook: Notebook, folder: Path) -> None:
    assert notebook.run("%%css\nb { color: red }") == '<style type="text/css">\nb { color: red }\n</style>'
    notebook.run("%%cat, engine.opts = list(file = 'written.txt')\nline")
    assert (folder / "written.txt").read_text() == "line\n"
    assert "*b*" in notebook.run("%%asis\na *b*")
    assert "```{r}" in notebook.run("%%verbatim\n```{r}\n1\n```")


def test_the_traceback_of_an_error_has_the_calls_of_the_user_only(notebook: Notebook) -> None:
    for header in ("", "%%r label, fig.width=3\n"):
        notebook.run(f"{header}inner <- function() stop('deep')\nouter <- function() inner()\nouter()")
        assert [line.split(".")[0] for line in notebook.traceback[1:]] == ["1", "2", "3"]


def test_code_of_another_chunk_is_refused_with_a_sentence(notebook: Notebook) -> None:
    assert "A notebook does not know the code of other chunks" in notebook.run("%%r again, ref.label='x'\n")


def test_a_missing_engine_is_one_sentence(notebook: Notebook) -> None:
    sentence = "R has no engine for chunks of cobol; knitr::knit_engines lists those that there are."
    assert sentence in notebook.run("%%cobol\nDISPLAY 'x'")
    assert notebook.failed
    assert "‘rstan’" in notebook.run("%%stan output.var='model'\nparameters { real y; }")


def test_a_child_document_runs_in_the_same_session_as_often_as_its_cell(notebook: Notebook) -> None:
    for _ in range(2):
        shown = notebook.run('%%r, child="part.Rmd"')
        assert "From the part: 42." in shown
        assert "data:image/png;base64," in shown
    assert notebook.run("cat(in_part)") == "1"
    notebook.run('%%r, child="missing.Rmd"')
    assert notebook.failed


def test_options_that_are_no_r_are_one_sentence(notebook: Notebook) -> None:
    assert "The options of this chunk are no R: a, b=(" in notebook.run("%%r a, b=(\ncat('run')")
    assert "object 'nothing' not found" in notebook.run("%%r eval=nothing\ncat('run')")


def test_a_plot_has_the_size_of_its_options_and_the_next_one_its_own(notebook: Notebook) -> None:
    assert notebook.run("%%r fig.width=3, fig.height=2\ncat(getOption('repr.plot.width'))") == "3"
    assert notebook.run("cat(is.null(getOption('repr.plot.width')) || getOption('repr.plot.width') != 3)") == "TRUE"


def test_another_notebook_has_no_lines_of_options(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "other.ipynb")
    try:
        assert notebook.run("#| eval: false\ncat('run')") == "run"
        assert notebook.run("cat(exists('params'), length(ls()), isNamespaceLoaded('knitr'))") == "FALSE 0 FALSE"
        assert notebook.run("%%bash\necho one") == "one\n"
    finally:
        notebook.stop()
