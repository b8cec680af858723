"""pip's hundred lines, folded."""

import subprocess
import sys
from pathlib import Path

from tools.fold_pip import folded

SCRIPT = Path(__file__).parents[2] / "tools" / "fold_pip.py"


def test_a_hundred_lines_become_a_dozen():
    found = [f"Collecting package{number}>=1\n" for number in range(100)]
    noise = ["  Downloading package.whl (5 kB)\n", "Using cached other.whl\n"] * 100
    last = ["Installing collected packages: a, b, c\n", "Successfully installed a-1 b-2 c-3\n"]
    shown = list(folded([*found, *noise, *last]))
    assert len(shown) == 12
    assert shown[-2:] == ["Installing 3 packages (a minute) ...", "3 packages are installed."]


def test_a_failure_shows_what_pip_said_and_passes_its_code_on():
    command = [sys.executable, str(SCRIPT), "--no-index", "no-such-package-anywhere"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "No matching distribution found for no-such-package-anywhere" in done.stderr
