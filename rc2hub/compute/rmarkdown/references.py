"""Numbers of figures, tables, equations and theorems, and references to them, as bookdown's formats make them.

bookdown does this in the HTML of the whole document, at its end; here the same is done in the HTML of the preview.
"""

import re
from collections import Counter

NAMES = {
    "fig": "Figure",
    "tab": "Table",
    "eq": "Equation",
    "thm": "Theorem",
    "lem": "Lemma",
    "cor": "Corollary",
    "prp": "Proposition",
    "cnj": "Conjecture",
    "def": "Definition",
    "exm": "Example",
    "exr": "Exercise",
    "hyp": "Hypothesis",
}
_LABEL = rf"(?P<label>(?P<type>{'|'.join(NAMES)}):[-/\w]+)"
_EQUATION = re.compile(r"\(\\#(eq:[-/\w]+)\)")
_PLACE = re.compile(
    rf'<h(?P<level>[1-6])\b[^>]*? id="(?P<id>[^"]+)"[^>]*><span class="header-section-number">(?P<number>[^<]+)</span>'
    rf"|\(#{_LABEL}\)|<mtext[^>]*>\((?P<equation>eq:[-/\w]+)\)</mtext>"
)
"""A numbered heading, a label, or an equation with a label."""
_FIGURE = re.compile(
    r'(?P<begin><div class="figure[^>]*>|<figure[^>]*>)(?P<image>(?:(?!</div>|</figure>).)*?'
    r'(?:<p class="caption[^>]*>|<figcaption[^>]*>)\s*)\(#(?P<label>fig:[-/\w]+)\)',
    re.DOTALL,
)
_REFERENCE = re.compile(r"(?<!\\)@ref\((?P<label>[-:\w]+)\)")
_TEXT = re.compile(r"^<p>(?P<name>\(ref:[-/\w]+\)) (?P<text>.+)</p>$", re.MULTILINE)
_NAME_OF_TEXT = re.compile(r"(?<!code>)\(ref:[-/\w]+\)")
_IMAGE = re.compile(r"<img\b[^>]*>")


def with_marked_equations(markdown: str) -> str:
    """The document with labels of equations written so that pandoc keeps them in MathML."""
    return _EQUATION.sub(r"\\qquad\\text{(\1)}", markdown)


def resolve(html: str) -> str:
    """The HTML of a document with numbers in place of labels, and links in place of references."""
    html = _with_texts(re.sub(r'"\(\\#fig:[-/\w]+\)', '"', html))  # what alternative texts begin with
    numbers = _numbers(html)
    html = _FIGURE.sub(lambda found: _figure(found, numbers), html)
    html = re.sub(
        r"(<caption[^>]*>\s*)\(#(tab:[-/\w]+)\)",
        lambda found: f'{found[1]}<span id="{found[2]}">{NAMES["tab"]} {numbers[found[2]]}: </span>',
        html,
    )
    html = _PLACE.sub(lambda found: _label(found, numbers), html)
    html = re.sub(r"\\qquad\\text\{\((eq:[-/\w]+)\)\}", lambda found: rf"\tag{{{numbers.get(found[1], '')}}}", html)
    return _REFERENCE.sub(lambda found: _link(found["label"], numbers), html)


def _numbers(html: str) -> dict[str, str]:
    """The number of each label, and of each heading by its identifier.

    Labels are counted in each chapter if headings of the first level are numbered, and otherwise in the whole document.
    """
    numbers: dict[str, str] = {}
    counts, chapter = Counter[tuple[str, str]](), "0"
    by_chapter = any(found["level"] == "1" for found in _PLACE.finditer(html))
    for found in _PLACE.finditer(html):
        if found["level"]:
            numbers[found["id"]] = found["number"]
            chapter = found["number"] if found["level"] == "1" else chapter
            continue
        label = found["label"] or found["equation"]
        if label not in numbers:
            place = (label.partition(":")[0], chapter if by_chapter else "")
            counts[place] += 1
            numbers[label] = f"{chapter}.{counts[place]}" if by_chapter else str(counts[place])
    return numbers


def _figure(found: re.Match[str], numbers: dict[str, str]) -> str:
    anchor = f'<span style="display:block;" id="{found["label"]}"></span>'
    return f"{found['begin']}{anchor}{found['image']}{NAMES['fig']} {numbers[found['label']]}: "


def _label(found: re.Match[str], numbers: dict[str, str]) -> str:
    """What stands for a label that is not in a caption."""
    if found["equation"]:
        return f'<mtext id="{found["equation"]}">({numbers[found["equation"]]})</mtext>'
    if found["level"] or found["type"] in {"tab", "eq"}:
        return found[0]
    return "" if found["type"] == "fig" else f"{NAMES[found['type']]} {numbers[found['label']]} "


def _link(label: str, numbers: dict[str, str]) -> str:
    number = numbers.get(label, "<strong>??</strong>")
    return f'<a href="#{label}">{f"({number})" if label.startswith("eq:") else number}</a>'


def _with_texts(html: str) -> str:
    """Put the texts of `(ref:name) text` in place of their names."""
    texts = {found["name"]: found["text"] for found in reversed(list(_TEXT.finditer(html)))}
    if not texts:
        return html
    html = _TEXT.sub("", html)
    plain = {name: _plain(text) for name, text in texts.items()}
    html = _IMAGE.sub(lambda image: _NAME_OF_TEXT.sub(lambda found: plain.get(found[0], found[0]), image[0]), html)
    return _NAME_OF_TEXT.sub(lambda found: texts.get(found[0], found[0]), html)


def _plain(html: str) -> str:
    """The text of some HTML without its elements, for an attribute."""
    return re.sub(r"<[^>]*>", "", html).replace('"', "&quot;")
