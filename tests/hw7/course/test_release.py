"""What students get: a complete wheel, stamped notebooks, checksums, nothing of instructors."""

import ast
import json
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.errors import HomeworkError
from hw7.cli import main as hw7
from hw7.course.commands import release
from hw7.course.keys import load_conceptual, save_key
from hw7.course.notebook_cells import BOOTSTRAP, stamped_bootstrap
from hw7.course.release.bundles import write_manifest
from hw7.course.release.contents import imports_of, students_files, wheel_name
from hw7.course.release.packages import target_options
from hw7.course.release.secrets_check import ensure_no_instructor_files
from hw7.course.release.student_notebooks import (
    install_address,
    student_copy,
    write_student_notebooks,
)
from tests.support.made_submissions import QUESTIONS, made_key
from tools.execute_notebooks import PROJECT, stored_notebooks

WHEEL = "hw7_attribution_kit-0.1.0-py3-none-any.whl"
URL = "https://example.org/hw7/"


@pytest.fixture(scope="module", autouse=True)
def checkout(tmp_path_factory, project):
    """A copy of this checkout to release from, so that nobody edits it meanwhile."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in ("helpers", "hw7", "assets", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(project / name, copy / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE", "hw7_setup.py"):
        shutil.copy(project / name, copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "project_folder", lambda: copy)
        yield copy


@pytest.fixture(scope="module")
def released(tmp_path_factory, checkout):
    """A release, built once."""
    output = tmp_path_factory.mktemp("release") / "dist"
    assert hw7(["release", "--url", URL, "-o", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def wheel(released):
    return next(released.glob("hw7_*.whl"))


def notebooks_in(checkout):
    return sorted((checkout / "notebooks").glob("*.ipynb"))


@pytest.fixture
def notebook():
    cells = [
        new_markdown_cell("# title"),
        new_code_cell('KIT_ADDRESS = ""\nimport helpers', execution_count=1),
        new_code_cell("1 + 1", execution_count=2, outputs=[nbformat.v4.new_output("stream")]),
    ]
    return new_notebook(cells=cells)


def test_release_consists_of_wheel_notebooks_kaggle_folder_zip_and_manifest(released, wheel):
    names = {path.name for path in released.iterdir()}
    assert names == {wheel.name, "notebooks", "kaggle", "hw7-classroom.zip", "SHA256SUMS"}


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


def test_the_students_wheel_carries_every_module_that_its_modules_import(wheel):
    names = modules_in(wheel)
    with zipfile.ZipFile(wheel) as archive:
        trees = [ast.parse(archive.read(name)) for name in sorted(names)]
    wanted = {path for tree in trees for path in imports_of(tree)}
    # "from package import name" may name a function: only what is a module of the project counts.
    ours = {f"{p}.py" for p in wanted if p.startswith(("helpers/", "hw7/"))}
    assert {path for path in ours if (PROJECT / path).is_file()} <= names
    assert {"helpers/explanation.py", "hw7/lessons/published.py", "hw7/fetch/hub.py"} <= names


def test_a_notebooks_imports_work_from_the_students_wheel_alone(wheel, checkout, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    lines = {
        line
        for path in notebooks_in(checkout)
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        for line in cell.source.splitlines()
        if line.startswith(("from helpers", "from hw7"))
    }
    assert len(lines) > 10
    code = "\n".join([
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})", *sorted(lines),
        "import helpers, hw7; print(helpers.__file__, hw7.__file__)",
    ])  # fmt: skip
    printed = run(sys.executable, code, tmp_path).split()
    assert all(path.startswith(str(tmp_path / "site")) for path in printed)


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
def test_the_command_works_from_the_students_wheel(wheel, tmp_path, words, code, said):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    start = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
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
    assert {wheel_name(name) for name in packed} <= names


def test_every_data_file_beside_the_students_modules_is_on_the_list(project):
    packages = ["helpers", "hw7/engine", "hw7/views", "hw7/fetch", "hw7/lessons"]
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
    shutil.copytree(checkout, copy)
    (copy / name).unlink()
    monkeypatch.setattr(release, "project_folder", lambda: copy)
    assert hw7(["release", "--url", URL, "-o", str(tmp_path / "dist")]) == 1
    assert name in capsys.readouterr().err
    assert not list((tmp_path / "dist").iterdir())


def test_an_answer_sheet_that_needs_the_grader_is_not_released(checkout, tmp_path):
    copy = tmp_path / "checkout"
    shutil.copytree(checkout, copy)
    checks = copy / "hw7/course/sheet_checks.py"
    source = checks.read_text("utf-8")
    checks.write_text(f"{source}\n\ndef late():\n    import hw7.course.grading.roster\n", "utf-8")
    with pytest.raises(HomeworkError, match=r"course/grading/.*, which only instructors"):
        students_files(copy)


def test_two_builds_of_the_same_checkout_are_the_same_bytes(released, tmp_path):
    again = tmp_path / "again"
    assert hw7(["release", "--url", URL, "-o", str(again)]) == 0
    assert (again / "SHA256SUMS").read_text() == (released / "SHA256SUMS").read_text()


def test_every_stored_notebook_is_released_stamped_and_without_outputs(released, wheel, checkout):
    for path in notebooks_in(checkout):
        copy = nbformat.read(released / "notebooks" / path.name, as_version=4)
        cells = [cell for cell in copy.cells if cell.cell_type == "code"]
        assert cells[0].source == stamped_bootstrap(URL + wheel.name)
        assert not any(cell.outputs or cell.execution_count for cell in cells)


def test_released_notebooks_differ_from_the_stored_ones_in_nothing_else(released, checkout):
    for path in notebooks_in(checkout):
        stored = nbformat.read(path, as_version=4).cells
        copy = nbformat.read(released / "notebooks" / path.name, as_version=4).cells
        changed = [(a, b) for a, b in zip(stored, copy, strict=True) if a.source != b.source]
        ((before, after),) = changed
        lines = zip(before.source.splitlines(), after.source.splitlines(), strict=True)
        assert [a for a, b in lines if a != b] == ['KIT_ADDRESS = ""']


def test_stored_notebooks_carry_the_current_bootstrap_cell():
    for path in stored_notebooks():
        cells = nbformat.read(path, as_version=4).cells
        first = next(cell for cell in cells if cell.cell_type == "code")
        assert first.source == BOOTSTRAP, "type: python -m tools.refresh_bootstrap"


def test_classroom_zip_holds_wheel_beside_notebooks_and_right_checksums(released, tmp_path):
    with zipfile.ZipFile(released / "hw7-classroom.zip") as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / "hw7-classroom"
    assert list(folder.glob("hw7_*.whl"))
    assert {p.name for p in folder.glob("*.ipynb")} >= {"01_setup.ipynb", "02_translation.ipynb"}
    assert_checksums(folder)


def test_manifest_covers_every_released_file(released):
    names = assert_checksums(released)
    files = {p.relative_to(released).as_posix() for p in released.rglob("*") if p.is_file()}
    assert names == files - {"SHA256SUMS"}


def test_manifest_shows_a_changed_file(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    write_manifest(tmp_path)
    (tmp_path / "a.txt").write_text("b")
    with pytest.raises(subprocess.CalledProcessError):
        assert_checksums(tmp_path)


def assert_checksums(folder):
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not here; install coreutils to check the manifest's form")
    command = ["sha256sum", "--strict", "--check", "SHA256SUMS"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return {line.removesuffix(": OK") for line in done.stdout.splitlines()}


def test_kaggle_metadata_has_what_kaggle_asks_for(released):
    metadata = json.loads((released / "kaggle" / "dataset-metadata.json").read_text())
    assert 6 <= len(metadata["title"]) <= 50
    assert metadata["id"].count("/") == 1
    assert metadata["licenses"] == [{"name": "Apache 2.0"}]


def test_second_release_replaces_the_first_and_leaves_other_files(released):
    (released / "notes.txt").write_text("mine")
    (released / "hw7_attribution_kit-0.0.9-py3-none-any.whl").write_text("old")
    assert hw7(["release", "--url", URL, "-o", str(released)]) == 0
    assert (released / "notes.txt").read_text() == "mine"
    assert len(list(released.glob("hw7_*.whl"))) == 1
    (released / "notes.txt").unlink()


def test_failed_release_leaves_the_earlier_one_alone(released, capsys):
    before = (released / "SHA256SUMS").read_text()
    assert hw7(["release", "--url", "nonsense", "-o", str(released)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert (released / "SHA256SUMS").read_text() == before
    assert not list(released.glob(".release.*"))


def test_release_from_an_installed_package_is_refused_in_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(release, "project_folder", lambda: None)
    assert hw7(["release", "--url", URL, "-o", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "source checkout" in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://example.org/hw7/", f"https://example.org/hw7/{WHEEL}"),
        (f"https://example.org/{WHEEL}", f"https://example.org/{WHEEL}"),
        ("git+https://example.org/owner/kit", "git+https://example.org/owner/kit"),
        ("git+https://example.org/owner/kit@v1", "git+https://example.org/owner/kit@v1"),
    ],
)
def test_address_is_the_wheels_the_folders_or_the_repositorys(url, address):
    assert install_address(url, WHEEL) == address


@pytest.mark.parametrize(
    "url",
    ["", "example.org/kit/", "https://example.org/kit", "ftp://example.org/kit/", "https:///x/",
     'https://example.org/"+evil+"/', "https://example.org/a b/"],
)  # fmt: skip
def test_address_that_pip_cannot_install_from_is_refused(url):
    with pytest.raises(HomeworkError, match="--url"):
        install_address(url, WHEEL)


def test_student_copy_leaves_the_original_as_it_was(notebook):
    before = nbformat.writes(notebook)
    student_copy(notebook, URL + WHEEL, "x.ipynb")
    assert nbformat.writes(notebook) == before


def test_notebook_without_the_bootstrap_cell_is_refused(notebook):
    del notebook.cells[1]
    with pytest.raises(HomeworkError, match="bootstrap cell"):
        student_copy(notebook, URL, "x.ipynb")


@pytest.mark.parametrize("mark", ["# instructor only", "<!-- instructor only -->"])
def test_notebook_with_an_instructors_cell_is_refused(notebook, mark):
    notebook.cells.append(new_code_cell(f"{mark}\nq1 = 'B'"))
    with pytest.raises(HomeworkError, match="instructors only"):
        student_copy(notebook, URL, "x.ipynb")


def test_folder_without_notebooks_is_refused(tmp_path):
    with pytest.raises(HomeworkError, match="no notebook"):
        write_student_notebooks(tmp_path, tmp_path / "out", URL)


@pytest.mark.parametrize(
    "name",
    ["key.yaml", "key.txt", "key.yaml.bak", "notebooks/key.yml", "kaggle/innocent.json",
     "notebooks/solutions.ipynb", "notebooks/en/02_translation-Copy1.ipynb", "inside.zip",
     "notebooks/self_check.yaml.orig", "grades.csv", "hw7_ok.whl", "notebooks/packages/a.whl"],
)  # fmt: skip
def test_a_file_on_no_list_is_never_released_whatever_its_name(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("answers: {q1: {correct: B}}")
    with pytest.raises(HomeworkError, match="only instructors"):
        ensure_no_instructor_files(tmp_path)


def test_a_file_on_no_list_is_found_inside_the_classroom_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "hw7-classroom.zip", "w") as archive:
        archive.writestr("hw7-classroom/START.txt", "")
        archive.writestr("hw7-classroom/key.txt", "q1 B")
    with pytest.raises(HomeworkError, match=r"key\.txt"):
        ensure_no_instructor_files(tmp_path)


@pytest.mark.parametrize(
    ("source", "said"), [('q3 = "机器"', "holds answers"), ("# instructor only", "has cells")]
)
def test_a_listed_notebook_with_answers_in_it_is_refused(tmp_path, notebook, source, said):
    notebook.cells.append(new_code_cell(source))
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks/hw7_answers.ipynb")
    with pytest.raises(HomeworkError, match=said):
        ensure_no_instructor_files(tmp_path)


def test_what_an_instructor_left_in_the_checkout_stays_there(
    checkout, tmp_path, monkeypatch, capsys
):
    copy = tmp_path / "checkout"
    shutil.copytree(checkout, copy)
    key = "answers: {q1: {correct: B}}\nsalt: x\n"
    for name in (
        "assets/hw7/key.yaml", "assets/key.txt", "assets/hw7/key.yaml.bak", "helpers/key.yaml",
        "notebooks/self_check.yaml", "assets/gold/self_check.yaml",
    ):  # fmt: skip
        (copy / name).write_text(key, "utf-8")
    shutil.copy(copy / "notebooks/hw7_answers.ipynb", copy / "notebooks/solutions.ipynb")
    monkeypatch.setattr(release, "project_folder", lambda: copy)
    output = tmp_path / "dist"
    assert hw7(["release", "--url", URL, "-o", str(output)]) == 0
    assert "solutions.ipynb" in capsys.readouterr().out
    names = [path.name for path in output.rglob("*")]
    for archive in [*output.rglob("*.whl"), *output.rglob("*.zip")]:
        names += zipfile.ZipFile(archive).namelist()
    assert not [
        name for name in names if "key" in name or "self_check.y" in name or "solut" in name
    ]


def test_the_release_ends_with_the_final_check(checkout, tmp_path, monkeypatch, capsys):
    def leaky(folder, *arguments, **options):
        write_kaggle_folder(folder, *arguments, **options)
        (folder / "key.yaml").write_text("answers: {}")

    write_kaggle_folder = release.write_kaggle_folder
    monkeypatch.setattr(release, "write_kaggle_folder", leaky)
    assert hw7(["release", "--url", URL, "-o", str(tmp_path / "dist")]) == 1
    assert "kaggle/key.yaml" in capsys.readouterr().err
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
        monkeypatch.setattr(release, "build_wheel", built(names))
        assert hw7(["release", "--url", URL, "-o", str(tmp_path / "dist")]) == 1
        assert said in capsys.readouterr().err


def test_self_check_file_is_handed_out_only_when_asked_for(released, project, tmp_path):
    assert not list(released.rglob("self_check.yaml"))
    opened = project / "tools" / "answer_sheet" / "instructor_key.yaml"
    output = tmp_path / "open"
    assert hw7(["release", "--url", URL, "-o", str(output), "--self-check", str(opened)]) == 0
    written = output / "notebooks" / "self_check.yaml"
    assert load_conceptual(written, QUESTIONS) == load_conceptual(opened, QUESTIONS)
    assert "# " not in written.read_text("utf-8")


def test_a_whole_key_is_not_taken_for_a_self_check_file(tmp_path, capsys):
    save_key(made_key(salt="secret"), tmp_path / "self_check.yaml")
    words = ["release", "--url", URL, "--self-check", str(tmp_path / "self_check.yaml")]
    assert hw7([*words, "-o", str(tmp_path / "dist")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("target", ["", "2.7", "three", "3.x", ":win_amd64"])
def test_target_that_is_no_python_version_is_refused(target):
    with pytest.raises(HomeworkError, match="--packages-for"):
        target_options(target)


def test_target_options_name_version_and_platform():
    options = target_options("3.12:win_amd64")
    assert "--python-version=3.12" in options
    assert [o for o in options if o.startswith("--platform")] == ["--platform=win_amd64"]
    assert "--platform=manylinux_2_17_x86_64" in target_options("3.11")
