"""An explanation as files: a web page, a picture, a table, Inseq's own JSON."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import HomeworkError

if TYPE_CHECKING:
    from helpers.explanation import Explanation

FORMATS = ("HTML", "PNG", "CSV", "Inseq JSON")
_LONGEST_NAME = 24


def export(explanation: "Explanation", name: str, folder: Path) -> list[Path]:
    """Write an explanation in one of ``FORMATS`` and return the files.

    They are named after the text, so that a folder can be read, and its scores, so that saving
    twice gives no second copy. Tables and Inseq's JSON hold one method each.

    Raises:
        HomeworkError: The folder does not exist.
    """
    if not folder.is_dir():
        raise HomeworkError(f"There is no folder {str(folder)!r}. Create it, then save again.")
    words = re.sub(r"\W+", "-", explanation.input_text)[:_LONGEST_NAME].strip("-_")
    stem = "-".join(part for part in ("hw7", words, explanation.digest()[:6]) if part)
    if name == "HTML":
        file = folder / f"{stem}.html"
        file.write_text(page_of(explanation), encoding="utf-8")
        return [file]
    if name == "PNG":
        file = folder / f"{stem}.png"
        explanation.plot(file)
        return [file]
    ending = {"CSV": "csv", "Inseq JSON": "json"}[name]
    files = [folder / f"{stem}-{method}.{ending}" for method in explanation.methods]
    for method, file in zip(explanation.methods, files, strict=True):
        if name == "CSV":
            # The mark at the start lets Excel read Chinese.
            explanation.table(method).to_csv(file, encoding="utf-8-sig")
        else:
            explanation.attribution(method).save(file, overwrite=True)
    return files


def page_of(explanation: "Explanation") -> str:
    """Return the heatmap as a whole HTML file."""
    from hw7.views.component import page_html

    title = f"{explanation.input_text} → {explanation.generated_text}"
    return page_html(title, explanation.html())
