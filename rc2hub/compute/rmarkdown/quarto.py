"""What of a Quarto document only Quarto itself can make, which does not run here."""

import re
from collections.abc import Sequence
from pathlib import Path

from rc2hub.compute.rmarkdown.document import Kind, Piece

QUARTO = ".qmd"
FEATURES = {
    "callouts": re.compile(r"^:::+\s*\{[^}]*\.callout-", re.MULTILINE),
    "cross references": re.compile(r"(?<![\w@])@(?:fig|tbl|sec|eq|lst|thm|lem|cor|prp|cnj|def|exm|exr)-\w"),
    "layouts": re.compile(r"^:::+\s*\{[^}]*(?:\blayout|\.panel-|\.column-)", re.MULTILINE),
    "shortcodes": re.compile(r"\{\{<.*?>\}\}"),
}
DIAGRAM = re.compile(r"[\t >]*```+\s*\{(?:mermaid|ojs)\b")


def is_quarto(document: Path) -> bool:
    """Whether this is a Quarto document, by its name."""
    return document.suffix.lower() == QUARTO


def missing_features(document: Path, pieces: Sequence[Piece]) -> str:
    """One sentence about the features in the text that are not made; empty if there is none."""
    if not is_quarto(document):
        return ""
    text = "\n".join(piece.text for piece in pieces if piece.kind is Kind.TEXT)
    found = [name for name, pattern in FEATURES.items() if pattern.search(text)]
    if any(DIAGRAM.match(piece.opening) for piece in pieces):
        found.append("diagrams")
    if not found:
        return ""
    names = " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
    return f"Quarto itself does not run here: its {names} are not made."
