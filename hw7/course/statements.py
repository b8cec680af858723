"""Cut untrusted code into statements by a linear scan, without parsing or executing it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r'''
    (?P<magic>^[!%?][^\n]*)
  | (?P<comment>\#[^\n]*)
  | (?P<string>[rRbBuUfFtT]{0,2}(?:
        """(?:\\.|[^\\])*?(?:"""|\\?\Z)
      | \'\'\'(?:\\.|[^\\])*?(?:\'\'\'|\\?\Z)
      | "(?:\\.|[^"\\\n])*(?:"|(?=\n)|\\?\Z)
      | '(?:\\.|[^'\\\n])*(?:'|(?=\n)|\\?\Z)))
  | (?P<open>[(\[{])
  | (?P<close>[)\]}])
  | (?P<continued>\\\n)
  | (?P<answer>\n(?=[qQ][0-9]{1,2}[ \t]*[=＝](?!=)))
  | (?P<newline>\n)
  | (?P<semicolon>;)
  | (?P<code>[^\#"'()\[\]{}\\\n;rRbBuUfFtT]+|.)
    ''',
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_CELL_MAGIC = re.compile(r"\s*%%(?!time\b|timeit\b|capture\b)\w")


@dataclass(frozen=True)
class Statement:
    """One logical line of a cell, comments removed.

    Attributes:
        text: The statement as written.
        code: The same without the contents of strings, so its length bounds how deeply it nests.
        is_indented: It starts with a blank, so it belongs to an ``if``, a loop or a function.
    """

    text: str
    code: str
    is_indented: bool


def split_statements(source: str) -> Iterator[Statement]:
    """Yield the statements of a code cell in order; time and memory are linear in its length.

    A line that starts with ``q3 =`` starts a new statement even after an unclosed bracket, as a
    person would read it. Cells of another language (``%%bash``) have no statements.
    """
    if _CELL_MAGIC.match(source):
        return
    tokens: list[tuple[str, str]] = []
    depth = 0
    follows_semicolon = False
    for match in _TOKEN.finditer(source.replace("\r\n", "\n").replace("\r", "\n")):
        kind, token = str(match.lastgroup), match.group()
        if kind == "answer" or (kind in {"newline", "semicolon"} and depth <= 0):
            yield _statement(tokens, follows_semicolon)
            follows_semicolon = kind == "semicolon"
            tokens, depth = [], 0
        elif kind not in {"comment", "magic"}:
            depth += (kind == "open") - (kind == "close")
            tokens.append((kind, token))
    yield _statement(tokens, follows_semicolon)


def _statement(tokens: list[tuple[str, str]], follows_semicolon: bool) -> Statement:
    text = "".join(token for _, token in tokens)
    code = "".join('""' if kind == "string" else token for kind, token in tokens)
    is_indented = text[:1].isspace() and not follows_semicolon
    return Statement(text.strip(), code.strip(), is_indented)
