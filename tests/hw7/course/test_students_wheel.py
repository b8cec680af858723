"""The students' wheel: complete, and without what only instructors may have."""

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest

from hw7.cli import main as hw7
from hw7.course.commands import release
from hw7.course.release import bundles
from hw7.course.release.contents import students_files
from tools.execute_notebooks import PROJECT

URL = "https://example.org/hw7/"
pytestmark = pytest.mark.usefixtures("from_the_copy")


def notebooks_in(checkout):
    return sorted((checkout / "notebooks").glob("*.ipynb"))


def test_installed_wheel_finds_its_assets_without_the_checkout(wheel, tmp_path):
    # A clean environment: the wheel alone, no dependency, not even this project's folder.
    environment = tmp_path / "clean"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site_packages = run(python, code, tmp_path).strip()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages)
    facts = run(
        python,
        "import helpers, json, os\n"
        "from helpers.environment import assets_folder, project_folder\n"
        "assets = assets_folder()\n"
        "names = [p.relative_to(assets).as_posix() for p in assets.rglob('*') if p.is_file()]\n"
        "print(json.dumps([helpers.__file__, str(project_folder()), names]))",
        tmp_path,
    )
    file, project, names = json.loads(facts)
    assert file.startswith(str(environment))
    assert project == "None"
    for needed in (
        "models/tiny-zh-en/model.safetensors", "models/tiny-zh-en/source.spm", "hw7/questions.yaml",
        "reference/opus-mt-zh-en.saliency.json", "fonts/HW7Sans-Regular.otf",
    ):  # fmt: skip
        assert needed in names


def run(python, code, folder):
    command = [str(python), "-I", "-c", code]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=folder, timeout=60
    ).stdout


def modules_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if name.endswith(".py")}


def test_the_students_wheel_carries_no_grader_no_key_maker_and_no_release_builder(wheel):
    names = modules_in(wheel)
    forbidden = (
        "/grading",
        "/grade",
        "report",
        "release",
        "key",
        "personal",
        "roster",
        "course/answer_sheet",
    )
    for word in forbidden:
        assert not [name for name in names if word in name], word
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert not [name for name in names if "sentences.yaml" in name or name.endswith(".j2")]


def imports_of(node):
    """Yield what code imports as paths without suffix, leaving out what is for type checkers."""
    if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name.replace(".", "/") for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        module = node.module.replace(".", "/")
        yield from (module, *(f"{module}/{alias.name}" for alias in node.names))
    for child in ast.iter_child_nodes(node):
        yield from imports_of(child)


def test_the_students_wheel_carries_every_module_that_its_modules_import(wheel):
    names = modules_in(wheel)
    with zipfile.ZipFile(wheel) as archive:
        trees = [ast.parse(archive.read(name)) for name in sorted(names)]
    wanted = {path for tree in trees for path in imports_of(tree)}
    # "from package import name" may name a function: only what is a module of the project counts.
    ours = {f"{p}.py" for p in wanted if p.startswith(("helpers/", "hw7/"))}
    assert {path for path in ours if (PROJECT / path).is_file()} <= names
    assert {"helpers/explanation.py", "hw7/lessons/published.py", "hw7/fetch/hub.py"} <= names


def test_a_notebooks_imports_work_from_the_students_wheel_alone(site, checkout, tmp_path):
    lines = {
        ast.unparse(statement)
        for path in notebooks_in(checkout)
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        for statement in ast.walk(ast.parse(cell.source))
        if isinstance(statement, ast.ImportFrom)
        and (statement.module or "").startswith(("helpers", "hw7"))
    }
    assert len(lines) > 10
    code = "\n".join([
        f"import sys; sys.path.insert(0, {str(site)!r})", *sorted(lines),
        "import helpers, hw7; print(helpers.__file__, hw7.__file__)",
    ])  # fmt: skip
    printed = run(sys.executable, code, tmp_path).split()
    assert all(path.startswith(str(site)) for path in printed)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["doctor", "--help"], 0, "usage: hw7 doctor"),
        (["download", "--help"], 0, "usage: hw7 download"),
        (["run", "--help"], 0, "usage: hw7 run"),
        (["grade", "x"], 2, "is for instructors"),
        (["release"], 2, "is for instructors"),
        (["gradee"], 2, "unknown command"),
    ],
)
def test_the_command_works_from_the_students_wheel(site, tmp_path, words, code, said):
    start = f"import sys; sys.path.insert(0, {str(site)!r})\n"
    start += f"from hw7.cli import main; sys.exit(main({words!r}))"
    command = [sys.executable, "-I", "-c", start]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == code and said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_wheel_carries_every_file_of_its_list(wheel, checkout):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packed = [n for n in students_files(checkout) if "/" in n]
    assert len(packed) > 80
    assert {n.replace("assets/", "hw7_assets/", 1) for n in packed} <= names


def test_every_data_file_beside_the_students_modules_is_on_the_list(project):
    packages = ["helpers", "hw7/engine", "hw7/views", "hw7/fetch", "hw7/text", "hw7/lessons"]
    tracked = subprocess.run(
        ["git", "ls-files", *packages], capture_output=True, text=True, cwd=project, check=False
    ).stdout.split()
    if not tracked:
        pytest.skip("this checkout has no git metadata to compare with; clone it with git")
    assert {name for name in tracked if (project / name).is_file()} <= set(students_files(project))


@pytest.mark.parametrize(
    "name",
    ["hw7/views/heatmap.js", "assets/models/tiny-zh-en/model.safetensors", "hw7/cli.py",
     "assets/hw7/questions.yaml", "hw7/course/sheet_checks.py"],
)  # fmt: skip
def test_a_checkout_that_lacks_what_students_need_is_not_released(
    checkout, tmp_path, capsys, monkeypatch, name
):
    copy = tmp_path / "checkout"
    shutil.copytree(checkout, copy, copy_function=os.link)  # nothing is written into it
    (copy / name).unlink()
    monkeypatch.setattr(release, "project_folder", lambda: copy)
    assert hw7(["release", "--url", URL, "-o", str(tmp_path / "dist")]) == 1
    assert name in capsys.readouterr().err
    assert not list((tmp_path / "dist").iterdir())


def test_a_wheel_with_more_or_less_than_its_list_is_not_released(
    wheel, tmp_path, monkeypatch, capsys
):
    def built(names):
        def build(staged, output):
            path = output / wheel.name
            with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(path, "w") as new:
                for name in names(old.namelist()):
                    new.writestr(name, "" if name not in old.namelist() else old.read(name))
            return path

        return build

    for names, said in (
        (lambda all_of_it: [*all_of_it, "hw7/course/grading/roster.py"], "grading/roster.py"),
        (lambda all_of_it: [n for n in all_of_it if not n.endswith("heatmap.js")], "heatmap.js"),
    ):
        monkeypatch.setattr(bundles, "build_wheel", built(names))
        assert hw7(["release", "--url", URL, "-o", str(tmp_path / "dist")]) == 1
        assert said in capsys.readouterr().err
