"""Build what students get: wheel, notebooks, Kaggle dataset, classroom zip, checksums."""

import argparse
import shutil
import tempfile
from pathlib import Path

from helpers.environment import project_folder
from helpers.errors import HomeworkError
from hw7.course.grading.tables import write_text
from hw7.course.keys import as_yaml, load_conceptual
from hw7.course.marking import Conceptual, KeyAnswer
from hw7.course.questions import load_questions
from hw7.course.release import bundles, contents, student_notebooks
from hw7.course.release.contents import MANIFEST, METADATA, READMES, ROOT, SCREENSHOTS, files_in
from hw7.course.release.student_notebooks import Repository, install_address
from hw7.course.sheet_checks import SELF_CHECK

_OWN = ("notebooks", "kaggle", f"{ROOT}.zip", MANIFEST, bundles.PATTERN, "assets", *READMES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--url", help="where students' notebooks find the wheel: its address, the folder's (ending "
        "in /), or git+https://… (default: the repository's files)")  # fmt: skip
    add("--repository", metavar="OWNER/NAME[@BRANCH]", help="where on GitHub you put the released "
        "files: adds badges that open them (default: the git remote)")  # fmt: skip
    add("-o", "--output", type=Path, default=Path("dist"), help="folder to write (default: dist/)")
    add("--packages-for", action="append", default=[], metavar="PYTHON[:PLATFORM]",
        help="also collect the other packages for places without a network, such as 3.12 (Linux) "
        "or 3.12:win_amd64; may be repeated")  # fmt: skip
    add("--self-check", type=Path, help="file with the conceptual answers students may check")


def run(arguments: argparse.Namespace) -> int:
    """Build everything aside, look it over, and only then replace an earlier release."""
    checkout = project_folder()
    if checkout is None:
        raise HomeworkError(
            "A release is built from a source checkout, but this kit was installed as a package. "
            "Get the project with git, then type: make install"
        )
    repository = student_notebooks.repository_of(checkout)
    if arguments.repository:
        repository = student_notebooks.repository_named(arguments.repository)
    if arguments.url is None:
        arguments.url = repository.address if repository else ""
    # A bad word on the command line is refused before anything is built.
    install_address(arguments.url, "kit.whl")
    for target in arguments.packages_for:
        bundles.target_options(target)
    opened = None
    if arguments.self_check:
        opened = load_conceptual(arguments.self_check, load_questions())
    output: Path = arguments.output
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output, prefix=".release.") as name:
        folder = Path(name)
        address = _build(checkout, folder, arguments, repository, opened)
        # An earlier release gives way; all other files are left alone.
        for old in (old for pattern in _OWN for old in output.glob(pattern)):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        for new in folder.iterdir():
            new.replace(output / new.name)
    _report(output, address, repository)
    return 0


def _build(
    checkout: Path,
    folder: Path,
    arguments: argparse.Namespace,
    repository: Repository | None,
    opened: dict[str, KeyAnswer] | None,
) -> str:
    """Build all parts in a folder; return the address the notebooks install from."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".workshop.") as workshop:
        staged = Path(workshop) / "project"
        files = contents.stage_students_project(checkout, staged)
        wheel = bundles.build_wheel(staged, folder)
        bundles.ensure_complete(wheel, files)
        address = install_address(arguments.url, wheel.name)
        notebooks = folder / "notebooks"
        left_out = student_notebooks.write_student_notebooks(
            checkout / "notebooks", notebooks, address, repository
        )
        if repository:
            _write_readmes(checkout, folder, repository)
        if left_out:
            print(f"Not on the list of what students get, so left out: {', '.join(left_out)}")
        if opened is not None:
            # Written anew: the instructor's own file may hold notes on other questions.
            write_text(notebooks / SELF_CHECK, as_yaml(Conceptual(answers=opened)))
        packages = Path(workshop) / bundles.FOLDER
        for target in arguments.packages_for:
            print(f"Collecting packages for Python {target} ...", flush=True)
            bundles.collect_packages(wheel, target, packages)
        bundles.write_kaggle_folder(folder / "kaggle", wheel, packages)
        bundles.write_classroom_zip(folder / f"{ROOT}.zip", wheel, notebooks, packages)
    bundles.write_manifest(folder)
    contents.ensure_no_instructor_files(folder)
    return address


def _write_readmes(checkout: Path, folder: Path, repository: Repository) -> None:
    """Write the READMEs with badges and the pictures they show."""
    for picture in (checkout / SCREENSHOTS).glob("*.png"):
        (folder / SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, folder / SCREENSHOTS / picture.name)
    released = {*files_in(folder), *READMES}
    for name in READMES:
        if (checkout / name).is_file():
            text = (checkout / name).read_text("utf-8")
            write_text(folder / name, student_notebooks.readme_copy(text, repository, released))


def _report(output: Path, address: str, repository: Repository | None) -> None:
    notebooks = list((output / "notebooks").rglob("*.ipynb"))
    rows = [
        (next(output.glob(bundles.PATTERN)).name, f"put it where students install from: {address}"),
        ("notebooks/", f"{len(notebooks)} notebooks, stamped with that address"),
        ("kaggle/", f"set the id in {METADATA}; kaggle datasets create -p … --dir-mode zip"),
        (f"{ROOT}.zip", "for classrooms without a network"),
        (MANIFEST, "checksums: sha256sum -c"),
    ]
    if repository:
        place = f"{repository.name}, branch {repository.branch}"
        rows.append((READMES[0], f"badges open the notebooks once all this is pushed to {place}"))
    for name, note in rows:
        if (path := output / name).exists():
            size = sum(f.stat().st_size for f in files_in(path).values() or [path]) / 1e6
            print(f"{path}  ({size:.1f} MB): {note}")
