"""Looks at the text of a statement, past its strings and comments."""

import re

TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|$))
      |(?P<quoted>[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")
      |(?P<parameter>\$[0-9]+)
      |(?P<dollar>\$(?:[A-Za-z_]\w*)?\$)
      |(?P<word>\w[\w$]*)
      |(?P<space>\s+)
      |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
ROWS = frozenset({"select", "values", "table", "with", "insert", "update", "delete", "merge", "("})
"""First words of the statements that COPY can run."""
CHANGES = frozenset({"insert", "update", "delete", "merge"})


def tokens(sql):
    """The kind and the text of each part of a statement."""
    at = 0
    while at < len(sql):
        found = TOKEN.match(sql, at)
        kind, text = found.lastgroup, found[0]
        if kind == "dollar":
            end = sql.find(text, found.end())
            kind, text = "quoted", sql[at:] if end < 0 else sql[at : end + len(text)]
        yield kind, text
        at += len(text)


class Statement:
    """One statement, without comments and semicolons at its end."""

    def __init__(self, sql):
        parts = list(tokens(sql))
        solid = [index for index, (kind, text) in enumerate(parts) if kind not in ("comment", "space") and text != ";"]
        kept = parts[: solid[-1] + 1] if solid else []
        self._parts = kept
        self.text = "".join(text for _, text in kept)
        words = [text.lower() for kind, text in kept if kind in ("word", "other")]
        self.first_word = words[0] if words else ""
        self.changes = self.first_word in CHANGES or (self.first_word == "with" and not CHANGES.isdisjoint(words))
        self.gives_rows = self.first_word in ROWS
        self.is_script = any(kind == "other" and text == ";" for kind, text in kept)
        self.parameters = max((int(text[1:]) for kind, text in kept if kind == "parameter"), default=0)

    def with_casts(self, types):
        """The text in which each parameter of `types` is text that the server casts."""
        return "".join(
            f"(({text}::text)::{types[int(text[1:]) - 1]})" if kind == "parameter" and int(text[1:]) - 1 in types else text
            for kind, text in self._parts
        )
