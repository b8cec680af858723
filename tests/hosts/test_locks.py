"""pip and uv give one set of versions, and make works in the environment of either."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools.pins import differences

PROJECT = Path(__file__).parents[2]


def versions(pairs) -> dict[str, set[str]]:
    found = defaultdict(set)
    for name, version in pairs:
        found[name].add(version)
    return found


def test_uv_and_pip_take_the_same_versions():
    lock = (PROJECT / "uv.lock").read_text("utf-8")
    locked = versions(re.findall(r'^\[\[package]]\nname = "(.+)"\nversion = "(.+)"$', lock, re.M))
    locked.pop("hw7-attribution-kit")
    pins = map(Requirement, (PROJECT / "constraints.txt").read_text("utf-8").splitlines())
    pinned = versions((pin.name, str(pin.specifier).removeprefix("==")) for pin in pins)
    assert len(locked) > 200
    # pip may meet more kinds of machines than uv.lock is for; nothing else may differ.
    assert {name: pinned[name] for name in locked} == locked


def test_every_requirement_of_the_project_is_in_the_lock():
    project = (PROJECT / "pyproject.toml").read_text("utf-8")
    named = re.findall(r'^    "([\w-]+)[>=<\[]', project, re.M)
    locked = (PROJECT / "uv.lock").read_text("utf-8")
    assert len(named) > 40
    assert [
        name for name in named if f'name = "{name.lower().replace("_", "-")}"' not in locked
    ] == []


def test_another_version_than_the_pin_is_told_and_a_local_build_is_not(monkeypatch):
    installed = {"torch": "2.13.0+cpu", "numpy": "2.0", "absent": None, "elsewhere": "1"}
    monkeypatch.setattr("tools.pins.version_of", installed.get)
    pins = ["torch==2.13.0", "numpy==2.1", "absent==1", "elsewhere==2 ; sys_platform == 'none'"]
    assert differences(pins) == ["numpy 2.0 (==2.1)"]


@pytest.mark.parametrize("maker", ["uv", "venv"])
def test_make_uses_the_environment_of_uv_and_asks_it_for_no_pip(tmp_path, maker):
    """Its Python is a script that writes down what it is asked."""
    log, python = tmp_path / "log", tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$*" >> "{log}"\n')
    python.chmod(0o755)
    (tmp_path / "env" / "pyvenv.cfg").write_text(f"home = /usr\n{maker} = 0.13\n")
    command = ["make", "install", f"VENV={tmp_path / 'env'}", f"PYTHON={python}"]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    asked = log.read_text()
    assert "-m tools.pins" in asked
    assert ("pip install" in asked, "-m venv" in asked) == ((maker == "venv"),) * 2
