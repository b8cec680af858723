"""Environments as Colab, Kaggle and a classroom's JupyterLab have them, built once and kept.

A host is a virtual environment of its own. The big packages it has in common with this project's
environment (torch, Jupyter) are shown to it through a folder of links, without the project itself
and without whatever such hosts lack: what the bootstrap cell must install is really not there.
"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

STUB_GOOGLE = Path(__file__).resolve().parent / "stub_google"

LACKING = (
    "hw7-attribution-kit", "inseq", "captum", "jaxtyping", "typeguard", "treescope", "sacremoses",
    "wadler-lindig", "gguf", "bitsandbytes", "pydantic", "pydantic-core", "typer", "marshmallow",
    "authlib", "joserfc", "scikit-learn", "scipy", "joblib", "nltk", "nbval", "pytest",
    "hypothesis", "mypy", "ruff", "hatchling", "uv", "pip", "setuptools",
)  # fmt: skip


@dataclass(frozen=True)
class Host:
    """What a host has.

    Attributes:
        name: Colab, Kaggle, or the classroom's JupyterLab.
        packages: Versions the host has of its own.
        variables: What it sets in the environment.
        has_google_colab: Whether ``google.colab`` can be imported.
    """

    name: str
    packages: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    has_google_colab: bool = False


COLAB = Host(
    "colab",
    (
        "ipython==7.34.0", "ipykernel==6.17.1", "numpy==2.0.2", "pandas==2.2.2",
        "matplotlib==3.10.0", "transformers==4.57.6",
    ),
    {"COLAB_RELEASE_TAG": "release-colab_20251020", "COLAB_GPU": "0"},
    has_google_colab=True,
)  # fmt: skip
KAGGLE = Host(
    "kaggle",
    (
        "ipython==8.37.0", "ipykernel==6.29.5", "numpy==1.26.4", "pandas==2.2.3",
        "matplotlib==3.7.2", "transformers==4.53.3",
    ),
    {"KAGGLE_KERNEL_RUN_TYPE": "Interactive", "KAGGLE_URL_BASE": "https://www.kaggle.com"},
)  # fmt: skip
CLASSROOM = Host("classroom", ("ipython>=9",))
HOSTS = {host.name: host for host in (COLAB, KAGGLE, CLASSROOM)}


def build_host(host: Host, folder: Path) -> Path:
    """Build a host's environment unless it is there; return its Python."""
    python = folder / "bin" / "python"
    recipe = json.dumps([host.packages, LACKING, sys.version, _shared_versions()])
    stamp = folder / "recipe.json"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == recipe:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    site_packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    links = folder / "shared"
    _link_shared_packages(links)
    lines = [str(links), *([str(STUB_GOOGLE)] if host.has_google_colab else [])]
    (site_packages / "shared.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *host.packages], check=True)
    stamp.write_text(recipe, encoding="utf-8")
    return python


def make_fresh(built: Path, copy: Path) -> Path:
    """Copy a built environment for one run, so that the next run finds the host untouched.

    The links to the shared packages stay links; only what the host has of its own is copied.
    """
    shutil.copytree(built, copy, symlinks=True)
    for script in (copy / "bin").iterdir():
        if script.is_symlink() or not script.read_bytes().startswith(b"#!"):
            continue
        text = script.read_text(encoding="utf-8", errors="surrogateescape")
        script.write_text(text.replace(str(built), str(copy)), errors="surrogateescape")
    return copy / "bin" / "python"


def versions_of(python: Path) -> dict[str, str]:
    """Return the version of every package an environment sees, by canonical name."""
    code = (
        "import json; from importlib.metadata import distributions\n"
        "found = {}\n"
        "for d in distributions(): found.setdefault(d.metadata['Name'], d.version)\n"
        "print(json.dumps(found))"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True, check=True, env=clean
    )
    return {canonicalize_name(name): found for name, found in json.loads(done.stdout).items()}


def _shared_versions() -> dict[str, str]:
    return dict(sorted((d.metadata["Name"], d.version) for d in metadata.distributions()))


def _link_shared_packages(links: Path) -> None:
    """Link this environment's packages but those that the hosts lack, each with its metadata."""
    links.mkdir()
    root = Path(sysconfig.get_path("purelib"))
    hidden = {
        name
        for package in LACKING
        for name in _top_level_names(package)
    } | {"__pycache__"}  # fmt: skip
    for entry in sorted(root.iterdir()):
        is_hidden = entry.name in hidden or entry.suffix == ".pth"
        if not is_hidden and not entry.name.startswith(("__editable__", "_editable", "_pytest")):
            (links / entry.name).symlink_to(entry)


def _top_level_names(package: str) -> set[str]:
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return set()
    return {file.parts[0] for file in files if file.parts[0] != ".."}
