"""Explain every text of a table: one page for each, and one table of all scores.

What was explained before is not explained again, so the command may be stopped and started anew.
``accelerate launch -m hw7.cli explain …`` shares the texts between devices or machines.
"""

import argparse
import csv
import hashlib
import json
import os
import sys
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.catalog import find_model
from helpers.environment import progress_bar
from helpers.errors import HomeworkError, say

if TYPE_CHECKING:
    import pandas
    from inseq.models import AttributionModel

    from helpers.explanation import Explanation

_SETTINGS = ("methods", "max_new_tokens", "score", "words")


@dataclass(frozen=True)
class Text:
    """One row of the table."""

    number: int  # counted from 1
    text: str
    target: str | None  # the text to explain instead of the model's own
    key: str  # a digest of these and of all settings, which names what was computed for it

    def part_in(self, folder: Path) -> Path:
        """Return the file of its explanation."""
        return folder / f"{self.key}.zip"

    def is_in(self, folder: Path) -> bool:
        """Tell whether it was explained before, and the file of that is whole."""
        return zipfile.is_zipfile(self.part_in(folder))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("table", type=Path, help="a CSV file with a column 'text' and, if wanted, one 'target'")
    add("-o", "--output", type=Path, required=True, help="the folder to write to")
    add("--model", default="generation", help="default: generation")
    add("--device", default="auto", help="default: auto")
    add("--methods", nargs="+", default=["saliency", "attention"])
    add("--max-new-tokens", type=int, help="the most tokens to write")
    scores = ("probability", "logit", "crossentropy")
    add("--score", choices=scores, default="probability", help="default: probability")
    add("--words", action="store_true", help="words instead of tokens")


def run(arguments: argparse.Namespace) -> int:
    """Explain what is missing; return 1 where some text could not be explained."""
    from accelerate import PartialState
    from accelerate.utils import gather_object

    state = PartialState(cpu=arguments.device == "cpu")
    settings = {name: getattr(arguments, name) for name in _SETTINGS}
    source = find_model(arguments.model)
    texts = read_texts(arguments.table, {"model": [source.name, source.address], **settings})
    parts = arguments.output / "explanations"
    parts.mkdir(parents=True, exist_ok=True)
    missing = [text for text in distinct(texts) if not text.is_in(parts)]
    state.wait_for_everyone()  # so that all of them share out the same list
    device = arguments.device if state.num_processes == 1 else str(state.device)
    failures: list[tuple[int, str]] = []
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(sys.stdout if state.is_main_process else nowhere),
        state.split_between_processes(dealt(missing, state.num_processes)) as own,
    ):
        say(f"{len(texts)} text{'s' * (len(texts) > 1)}, {len(missing)} of them to explain.")
        if own:
            from helpers import load_model
            from helpers.methods import check_methods

            model = load_model(arguments.model, device=device)
            check_methods(model, arguments.methods)
            failures = explain_all(model, own, parts, settings, is_shown=state.is_main_process)
    failures = gather_object(failures)
    if state.is_main_process:
        write_results(texts, parts, arguments.output)
        for number, reason in sorted(failures):
            print(f"hw7 explain: text {number}: {reason}", file=sys.stderr)
    state.wait_for_everyone()
    return 1 if failures else 0


def read_texts(table: Path, settings: Mapping[str, Any]) -> list[Text]:
    """Return the texts of a CSV file, whose first line names its columns.

    Raises:
        HomeworkError: It is no table in UTF-8, has no text, or a line does not fit its columns.
    """
    csv.field_size_limit(2**30)  # so that a long text is refused alone, and not the whole table
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            names = [name.strip() for name in next(lines, [])]
            rows = [(lines.line_num, line) for line in lines if line]
    except (OSError, ValueError, csv.Error) as error:
        raise HomeworkError(
            f"{table} cannot be read as CSV in UTF-8: {error}. Save it as 'CSV UTF-8'."
        ) from error
    if names.count("text") != 1:
        known = ", ".join(names) or "none"
        raise HomeworkError(f"{table} needs one column 'text', but has the columns: {known}.")
    if not rows:
        raise HomeworkError(f"{table} has no texts below the names of its columns.")
    found = []
    for number, (line, cells) in enumerate(rows, 1):
        if any(cells[len(names) :]):
            raise HomeworkError(
                f"{table}, line {line}: {len(cells)} cells, but {len(names)} named. Put a text "
                'with commas between quotes: "…".'
            )
        row = dict(zip(names, cells, strict=False))
        text, target = row.get("text", ""), row.get("target", "")
        content = json.dumps([text, target, settings], sort_keys=True)
        key = hashlib.sha256(content.encode()).hexdigest()[:16]
        found.append(Text(number, text, target or None, key))
    return found


def distinct(texts: Sequence[Text]) -> list[Text]:
    """Return the first of equal texts, the longest first: what does not fit is known at once."""
    found = {text.key: text for text in reversed(texts)}.values()
    return sorted(found, key=lambda text: (-len(text.text), text.key))


def dealt(texts: Sequence[Text], processes: int) -> list[Text]:
    """Return sorted texts in an order whose even split gives each process long and short ones."""
    return [text for first in range(processes) for text in texts[first::processes]]


def explain_all(
    model: "AttributionModel",
    texts: Sequence[Text],
    parts: Path,
    settings: Mapping[str, Any],
    *,
    is_shown: bool,
) -> list[tuple[int, str]]:
    """Explain texts and save each at once; return for each that was refused its number and why."""
    from helpers import explain

    failures = []
    # By characters, so that the time left is that of long and short texts.
    with progress_bar(sum(len(t.text) for t in texts), "Explaining", is_shown=is_shown) as bar:
        for text in texts:
            try:
                explanation = explain(
                    model, text.text, target=text.target, show_progress=False, **settings
                )
            except HomeworkError as error:
                failures.append((text.number, str(error)))
            else:
                unfinished = text.part_in(parts).with_suffix(f".{os.getpid()}")
                explanation.save(unfinished)
                unfinished.replace(text.part_in(parts))
            bar.update(len(text.text))
    return failures


def write_results(texts: Sequence[Text], parts: Path, folder: Path) -> None:
    """Write a page for each text, and ``scores.csv`` with the scores of all; no others stay."""
    import pandas

    from helpers import Explanation
    from hw7.views.component import page_html

    for earlier in (*folder.glob("*.html"), folder / "scores.csv"):
        if earlier.stem.isdecimal() or earlier.suffix == ".csv":
            earlier.unlink(missing_ok=True)
    tables, width = [], len(str(len(texts)))
    done = [text for text in texts if text.is_in(parts)]
    for text in done:
        explanation = Explanation.load(text.part_in(parts))
        title = f"{explanation.input_text} → {explanation.generated_text}"
        page = folder / f"{text.number:0{width}}.html"
        page.write_text(page_html(title, explanation.html()), encoding="utf-8", newline="\n")
        tables += [_long_table(text.number, explanation, method) for method in explanation.methods]
    if tables:
        scores = pandas.concat(tables)
        # The mark at the start lets Excel read Chinese.
        scores.to_csv(
            folder / "scores.csv", index=False, encoding="utf-8-sig", float_format="%.6g",
            lineterminator="\n",
        )  # fmt: skip
        say(f"wrote {len(done)} page{'s' * (len(done) > 1)} and scores.csv to {folder}")


def _long_table(number: int, explanation: "Explanation", method: str) -> "pandas.DataFrame":
    """Return scores with one row per pair of tokens; pairs without a score are left out."""
    import pandas

    table = explanation.table(method)
    rows = [
        (number, method, row + 1, source, column + 1, generated, table.iat[row, column])
        for column, generated in enumerate(table.columns)
        for row, source in enumerate(table.index)
    ]
    names = ["text", "method", "source place", "source", "generated place", "generated", "score"]
    return pandas.DataFrame(rows, columns=names).dropna()
