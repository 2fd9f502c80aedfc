"""The contents manager of a user's Jupyter server: R Markdown and Quarto documents may be opened and saved as notebooks.

All it adds is which text a file has for which cells. Reading, writing, permissions, hashes, and times of change, by which
JupyterLab notices that a file has changed on disk, are Jupyter's own, as for any text file.
"""

import errno
import shlex
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.utils import ApiPath, to_os_path
from tornado.web import HTTPError

from rc2hub.compute.rmarkdown.cells import to_cells, to_document
from rc2hub.compute.rmarkdown.quarto import QUARTO

Model = dict[str, Any]
SUFFIXES = (".rmd", QUARTO)
"""The ends of the names of such documents, in lower case."""
R_KERNEL = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}, "language_info": {"name": "R"}}


class RMarkdownContentsManager(AsyncLargeFileManager):
    """Jupyter's own contents manager, and R Markdown as notebooks."""

    async def get(
        self, path: str, content: bool = True, type: str | None = None, format: str | None = None, require_hash: bool = False
    ) -> Any:
        """The model of a file, folder or notebook.

        Raises:
            HTTPError: Jupyter's own errors, and 400 if an R Markdown document is not encoded in UTF-8.
        """
        files: Any = super()
        if type != "notebook" or not is_document(path):
            return await files.get(path, content=content, type=type, format=format, require_hash=require_hash)
        try:
            model = await files.get(path, content=content, type="file", format="text", require_hash=require_hash)
        except HTTPError as error:
            if error.reason == "bad format":
                raise HTTPError(400, not_utf8(path), reason="bad format") from error
            raise
        return _as_notebook(model)

    async def save(self, model: Model, path: str = "") -> Any:
        """Save it; an R Markdown document keeps the text of all cells that were not edited.

        Raises:
            HTTPError: Jupyter's own errors, and 507 if the disk is full.
        """
        files: Any = super()
        if model.get("type") != "notebook" or not is_document(path) or "content" not in model:
            return await files.save(model, path)
        text = to_document(model["content"]["cells"])
        try:
            saved = await files.save({"type": "file", "format": "text", "content": text}, path)
        except HTTPError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT):
                raise HTTPError(
                    507, f"{path} was not saved: there is no space left; delete files, then save again."
                ) from error
            raise
        return _as_notebook(saved)


def r_markdown_file(path: str, root: str) -> Path | None:
    """The file of such a document of the user, by its path under `root`; None if it is another file or elsewhere."""
    file = Path(to_os_path(ApiPath(path), root))
    return file if is_document(path) and file.is_relative_to(root) else None


def is_document(path: str) -> bool:
    """Whether this file is an R Markdown or Quarto document, by its name."""
    return PurePosixPath(path).suffix.lower() in SUFFIXES


def _as_notebook(model: Model) -> Model:
    """The model of a text file as that of a notebook; without content only its type differs."""
    if model["content"] is None:
        return {**model, "type": "notebook"}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": R_KERNEL, "cells": to_cells(model["content"])}
    return {**model, "type": "notebook", "format": "json", "mimetype": None, "content": nbformat.from_dict(notebook)}  # type: ignore[no-untyped-call]


def not_utf8(path: str) -> str:
    """What is told about a document in another encoding."""
    file = PurePosixPath(path)
    command = f"iconv -f latin1 -t utf-8 {shlex.quote(file.name)} > new{file.suffix}"
    return f"{file.name} is not encoded in UTF-8; convert it in a terminal: {command}"
