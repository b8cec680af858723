"""Run ``pip install`` and fold its hundred lines into one that counts: ``python fold_pip.py -e .``.

Only the standard library: it runs in an environment that has nothing else yet. Where pip fails,
the last lines it said are shown, and its exit code is passed on.
"""

import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator

KEPT = 25
"""Lines to show when pip fails."""


def main(words: list[str]) -> int:
    """Run pip with these words after ``install``; return its exit code."""
    command = [sys.executable, "-m", "pip", "install", "--progress-bar", "off", *words]
    last: deque[str] = deque(maxlen=KEPT)
    is_screen = sys.stdout.isatty()
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as pip:
        for line in folded(remembered(pip.stdout or (), last)):
            print(f"\r{line:<78}" if is_screen else line, end="" if is_screen else "\n", flush=True)
    print(flush=True)
    if pip.returncode:
        print("".join(last), file=sys.stderr)
    return pip.returncode


def remembered(lines: Iterable[str], last: deque[str]) -> Iterator[str]:
    """Yield the lines and remember the last of them."""
    for line in lines:
        last.append(line)
        yield line


def folded(lines: Iterable[str]) -> Iterator[str]:
    """Yield what to show: every tenth package that is found, then how many are installed."""
    count = 0
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word in {"Collecting", "Requirement"}:
            count += 1
            if count % 10 == 0:
                yield f"{count} packages found ..."
        elif line.startswith("Installing collected packages:"):
            yield f"Installing {rest.count(',') + 1} packages (a minute) ..."
        elif line.startswith("Successfully installed"):
            yield f"{len(rest.split()) - 1} packages are installed."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
