"""The first cell of every notebook finds or installs the kit, or says in one sentence why not."""

import json
import os
import subprocess
import sys
import zipfile

import nbformat
import pytest

import hw7_setup
from hw7.course.answer_sheet import BOOTSTRAP, FOLDED, stamped_bootstrap
from hw7.course.release.contents import students_files
from tools.execute_notebooks import PROJECT, stored_notebooks

# A pip that writes down how it was called and unpacks the wheel it was given.
PIP = """
import json, os, pathlib, sys, zipfile
here = pathlib.Path(__file__).parent.parent
with open(here / "called.jsonl", "a") as log: log.write(json.dumps(sys.argv[1:]) + "\\n")
source = sys.argv[-1].removeprefix("file://")
if source.endswith(".whl"): zipfile.ZipFile(source).extractall(here)
"""
NO_PIP = "import sys; sys.exit('No module named pip')"
FAILING_PIP = "import sys; sys.exit('ERROR: No matching distribution found for inseq')"
UV = """#!{python}
import sys; sys.argv[0] = "uv"
{pip}
"""


class Machine:
    """A computer with the big packages, whose pip is a fake, and a folder with one notebook."""

    def __init__(self, folder, pip=PIP, has_packages=True):
        self.site, self.folder = folder / "site", folder / "course"
        for name in hw7_setup._NEEDED if has_packages else ():
            (self.site / name).mkdir(parents=True)
            (self.site / name / "__init__.py").touch()
        self.write(self.site / "pip/__main__.py", pip)
        self.write(self.site / "pip/__init__.py", "")
        self.path = os.environ["PATH"]
        self.folder.mkdir()

    @staticmethod
    def write(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def run(self, address="", folder=None):
        """Run the cell as a notebook's kernel would; return what was printed."""
        folder = folder or self.folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write(folder / "cell.py", stamped_bootstrap(address))
        done = subprocess.run(
            [sys.executable, "-S", "cell.py"], cwd=folder, capture_output=True, text=True,
            env={"PYTHONPATH": str(self.site), "PATH": self.path, "PYTHONUTF8": "1"}, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
        return done.stdout

    @property
    def calls(self):
        log = self.site / "called.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def make_wheel(path, version="0.1.0"):
    """Write the students' modules into a wheel, as the release does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path / f"hw7_attribution_kit-{version}-py3-none-any.whl"
    path.mkdir(exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for name in students_files(PROJECT):
            if name.endswith(".py"):
                text = (PROJECT / name).read_text("utf-8")
                archive.writestr(name, text.replace('"0.1.0"', f'"{version}"'))
    return file


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_cell_has_at_most_six_lines_a_title_and_is_folded():
    lines = BOOTSTRAP.splitlines()
    assert len(lines) <= 6 and lines[0].startswith("#@title")
    for path in stored_notebooks():
        cells = nbformat.read(path, as_version=4).cells
        first = next(cell for cell in cells if cell.cell_type == "code")
        assert first.source == BOOTSTRAP, "type: python -m tools.refresh_bootstrap"
        assert FOLDED.items() <= first.metadata.items()


def test_a_kit_that_is_installed_is_used_without_pip(machine):
    with zipfile.ZipFile(make_wheel(machine.site / "w")) as archive:
        archive.extractall(machine.site)
    assert machine.run() == "helpers 0.1.0\n" and machine.calls == []


def test_the_wheel_beside_the_notebook_is_installed_and_its_size_told_before(machine):
    wheel = make_wheel(machine.folder)
    first, last = machine.run().splitlines()
    assert "正在安装" in first and "Installing" in first and "100 MB" in first
    assert last == "helpers 0.1.0"
    assert machine.calls == [["install", "-q", str(wheel)]]
    assert machine.run() == "helpers 0.1.0\n" and len(machine.calls) == 1


def test_of_several_wheels_the_newest_is_installed(machine):
    for version in ("0.9.0", "0.10.0", "0.2.0"):
        make_wheel(machine.folder, version)
    assert machine.run().splitlines()[-1] == "helpers 0.10.0"


@pytest.mark.parametrize("name", ["hw7_kit.whl", "hw7_attribution_kit-0.1.0-py3-none-any (1).whl"])
def test_a_second_copy_under_another_name_is_no_hindrance(machine, name):
    wheel = make_wheel(machine.folder)
    (machine.folder / name).write_bytes(wheel.read_bytes())
    assert machine.run().splitlines()[-1] == "helpers 0.1.0"
    assert machine.calls == [["install", "-q", str(wheel)]]


def test_a_notebook_in_a_folder_of_translations_finds_wheel_and_packages_above(machine):
    wheel = make_wheel(machine.folder)
    (machine.folder / "packages").mkdir()
    machine.run(folder=machine.folder / "en")
    packages = str(machine.folder / "packages")
    assert machine.calls == [["install", "-q", "--no-index", "--find-links", packages, str(wheel)]]


def test_a_notebook_alone_installs_from_its_address(machine, tmp_path):
    wheel = make_wheel(tmp_path / "server")
    assert machine.run(f"file://{wheel}").splitlines()[-1] == "helpers 0.1.0"
    assert machine.calls == [["install", "-q", f"file://{wheel}"]]


def test_a_notebook_of_the_checkout_takes_the_checkout(machine):
    for name in (*students_files(PROJECT), "pyproject.toml"):
        if name.endswith((".py", ".toml")):
            Machine.write(machine.folder / name, (PROJECT / name).read_text("utf-8"))
    assert machine.run(folder=machine.folder / "notebooks/en") == "helpers 0.1.0\n"
    assert machine.calls == []


def test_a_checkout_without_the_packages_installs_them_from_it(tmp_path):
    machine = Machine(tmp_path, has_packages=False)
    for name in (*students_files(PROJECT), "pyproject.toml"):
        if name.endswith((".py", ".toml")):
            Machine.write(machine.folder / name, (PROJECT / name).read_text("utf-8"))
    assert "2 GB" in machine.run(folder=machine.folder / "notebooks")
    assert machine.calls == [["install", "-q", str(machine.folder)]]


@pytest.mark.parametrize("address", ["", "https://127.0.0.1:9/hw7_kit.whl", "git+https://x/y"])
def test_a_notebook_with_no_kit_anywhere_says_three_ways_in_both_languages(machine, address):
    printed = machine.run(address)
    assert len(printed.splitlines()) == 1
    for way in ("老师", "hw7_*.whl", "pip install", "teacher's notebook"):
        assert way in printed


@pytest.mark.parametrize("name", ["helpers.py", "helpers/__init__.py", "hw7.py"])
def test_a_foreign_module_beside_the_notebook_is_named(machine, name):
    make_wheel(machine.folder)
    Machine.write(machine.folder / name, "x = 1")
    printed = machine.run()
    assert str(machine.folder / name) in printed and "改名" in printed and "rename" in printed
    assert len(printed.splitlines()) == 1 and machine.calls == []


def test_a_foreign_package_that_is_installed_is_named_and_nothing_is_installed_over_it(machine):
    Machine.write(machine.site / "helpers/__init__.py", "")
    make_wheel(machine.folder)
    assert str(machine.site / "helpers/__init__.py") in machine.run() and machine.calls == []


def test_a_folder_named_like_the_kit_is_no_hindrance(tmp_path):
    machine = Machine(tmp_path)
    folder = machine.folder / "hw7" / "helpers"
    make_wheel(folder)
    assert machine.run(folder=folder).splitlines()[-1] == "helpers 0.1.0"


def test_an_environment_of_uvs_without_pip_installs_with_uv(tmp_path):
    machine = Machine(tmp_path, pip=NO_PIP)
    wheel = make_wheel(machine.folder)
    uv = tmp_path / "bin/uv"
    Machine.write(uv, UV.format(python=sys.executable, pip=PIP.replace(
        "pathlib.Path(__file__).parent.parent", f"pathlib.Path({str(machine.site)!r})"
    )))  # fmt: skip
    uv.chmod(0o755)
    machine.path = f"{uv.parent}:{machine.path}"
    assert machine.run().splitlines()[-1] == "helpers 0.1.0"
    assert machine.calls == [["pip", "install", "-q", "--python", sys.executable, str(wheel)]]


def test_a_failed_installation_is_one_sentence_with_pips_reason(tmp_path):
    machine = Machine(tmp_path, pip=FAILING_PIP)
    make_wheel(machine.folder)
    last = machine.run().splitlines()[-1]
    assert "No matching distribution found for inseq" in last and "网络" in last


def test_a_damaged_wheel_is_no_traceback(machine):
    (machine.folder / "hw7_attribution_kit-0.1.0-py3-none-any.whl").write_bytes(b"PK damaged")
    assert "hw7_*.whl" in machine.run()
