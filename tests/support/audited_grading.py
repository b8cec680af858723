"""Run ``hw7 grade`` under an audit hook, which sees all that Python is about to do.

A process of its own: an audit hook can't be taken off. The first argument is a folder for a
rehearsal, which imports and compiles all the grader itself needs; after it nothing may be executed
at all. Prints one line of JSON.

Usage: python audited_grading.py REHEARSAL [hw7 grade's arguments …]
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from hw7.cli import main

EXECUTING = ("exec", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "pty.spawn",
             "subprocess.Popen", "ctypes.", "code.__new__", "function.__new__", "cpython.run_",
             "pickle.find_class", "marshal.loads")  # fmt: skip
FETCHING = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.")
MODULES_NEVER_NEEDED = {"torch", "transformers", "inseq", "tokenizers"}


class Watch:
    """Collects what the grader did that it has no business to do."""

    def __init__(self, readable: list[Path], writable: list[Path]) -> None:
        self.readable = [str(path.resolve()) for path in readable]
        self.writable = [str(path.resolve()) for path in writable]
        self.found: list[str] = []
        self.opened = 0
        self.parsed = 0
        self.is_on = False

    def hook(self, event: str, details: tuple) -> None:
        if not self.is_on:
            return
        if event.startswith(EXECUTING) or event.startswith(FETCHING):
            self.found.append(f"{event} {str(details)[:200]}")
        elif event == "compile":
            # ast.parse compiles to a tree only; the name can't be a file's that it might quote.
            self.parsed += 1
            if details[1] not in {f"{os.devnull}/<answer>", f"{os.devnull}/<answer>".encode()}:
                self.found.append(f"compile {details[1]!r}")
        elif event == "import" and details[0].split(".")[0] in MODULES_NEVER_NEEDED:
            self.found.append(f"import {details[0]}")
        elif event == "open":
            self._check_open(*details)

    def _check_open(self, path: object, mode: str | None, flags: int) -> None:
        if isinstance(path, int):
            return
        self.opened += 1
        where = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
        if os.fsdecode(path) == f"{os.devnull}/<answer>":  # type: ignore[arg-type]
            return  # the parser wants to quote a line of it, and no such file can exist
        is_writing = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        allowed = self.writable if is_writing else self.readable + self.writable
        if not any(where == folder or where.startswith(folder + os.sep) for folder in allowed):
            self.found.append(f"open {where} {mode} {flags}")


def watched_grading(rehearsal: Path, words: list[str]) -> dict[str, object]:
    """Grade the rehearsal freely and the rest watched; return what was seen."""
    import matplotlib

    key = Path(words[words.index("--key") + 1])
    output = Path(words[words.index("-o") + 1])
    rehearsed = output.parent / "rehearsed.csv"
    assert main(["grade", str(rehearsal), "--key", str(key), "-o", str(rehearsed)]) == 0
    output.parent.mkdir(parents=True, exist_ok=True)
    project = Path(__file__).resolve().parents[2]
    readable = [Path(words[0]), key, project / "assets" / "hw7"]
    readable += [Path(matplotlib.get_data_path())]
    watch = Watch(readable, [output.parent])
    sys.addaudithook(watch.hook)
    watch.is_on = True
    code = main(["grade", *words])
    watch.is_on = False
    return {
        "code": code,
        "found": watch.found,
        "opened": watch.opened,
        "parsed": watch.parsed,
        "heavy": sorted(MODULES_NEVER_NEEDED & set(sys.modules)),
    }


if __name__ == "__main__":
    report = watched_grading(Path(sys.argv[1]), sys.argv[2:])
    print("\n" + json.dumps(report))
