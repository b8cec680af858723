"""A released notebook, dropped into a host that never saw the kit, runs from its first cell."""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from hw7.cli import main as hw7

from .emulated_hosts import CLASSROOM, COLAB, HOSTS, KAGGLE, build_host, make_fresh, versions_of

RUN = Path(__file__).with_name("isolated_run.py")
LIMIT = 900
NEVER_TOUCHED = ("torch", "numpy", "transformers", "ipython", "ipykernel")

pytestmark = pytest.mark.skipif(
    "HW7_TEST_HOSTS" not in os.environ,
    reason="building hosts takes minutes and a package index; run them with: make test-hosts",
)


@pytest.fixture(autouse=True)
def tidy(tmp_path):
    """Remove each run's environment at once: pytest would keep tens of thousands of files."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(scope="session")
def released(tmp_path_factory, address):
    """A release with the packages that hosts lack; notebooks install from the address."""
    output = address["folder"]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    words = ["release", "--url", address["url"], "-o", str(output), "--packages-for", version]
    assert hw7(words) == 0
    return output


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """A server on the loopback address that hands out the release."""
    folder = tmp_path_factory.mktemp("dist")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"folder": folder, "url": f"http://127.0.0.1:{server.server_port}/"}
    server.shutdown()


@pytest.fixture(scope="session")
def can_isolate():
    """Skip where this machine grants no namespaces, for those tests that need them."""
    command = ["unshare", "--user", "--map-root-user", "--net", "--mount", "true"]
    if shutil.which("unshare") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no network can be taken away here: user namespaces are switched off")


def python_of(host, tmp_path):
    base = Path(os.environ.get("HW7_HOSTS_FOLDER", Path.cwd() / "build" / "hosts"))
    base.mkdir(parents=True, exist_ok=True)
    build_host(host, base / host.name)
    return make_fresh(base / host.name, tmp_path / "environment")


def run_notebook(
    python, notebook, host, tmp_path, *, root_folders=None, is_isolated, programs=None
):
    """Execute a notebook with the host's kernel; return the facts that the run wrote."""
    kernels = tmp_path / "jupyter" / "kernels" / "host"
    kernels.mkdir(parents=True)
    words = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": words, "display_name": "host", "language": "python"}
    (kernels / "kernel.json").write_text(json.dumps(spec))
    order = {
        "notebook": str(notebook), "facts": str(tmp_path / "facts.json"), "timeout": LIMIT,
        "workshop": str(tmp_path), "is_isolated": is_isolated, "root_folders": root_folders or {},
    }  # fmt: skip
    (tmp_path / "order.json").write_text(json.dumps(order))
    command = [sys.executable, str(RUN), str(tmp_path / "order.json")]
    if is_isolated:
        command = ["unshare", "--user", "--map-root-user", "--net", "--mount", *command]
    environment = environment_of(host, tmp_path)
    if programs is not None:
        environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    subprocess.run(command, check=True, env=environment, timeout=2 * LIMIT)
    return json.loads((tmp_path / "facts.json").read_text())


def environment_of(host, tmp_path):
    """Return the variables of a new machine of that host: nobody's caches, no route to the hub."""
    home = tmp_path / "home"
    home.mkdir()
    kept = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE")
    variables = {name: os.environ[name] for name in kept if name in os.environ}
    # How this machine reaches its package index; never what the kit itself looks at.
    variables |= {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") and name not in ("PIP_FIND_LINKS", "PIP_NO_INDEX")
    }
    return {
        **variables, **host.variables, "HOME": str(home), "HF_ENDPOINT": "http://127.0.0.1:9",
        "JUPYTER_PATH": str(tmp_path / "jupyter"), "IPYTHONDIR": str(home / ".ipython"),
    }  # fmt: skip


def check(host, python, before, facts, notebook):
    """Assert that the run ended, a heatmap appeared and the host's own packages are untouched."""
    assert facts["failure"] is None, facts["failure"]
    assert facts["first_heatmap"] is not None, "no heatmap appeared"
    after = versions_of(python)
    changed = {name for name in before if after.get(name) != before[name]}
    new = sorted(set(after) - set(before))
    print(
        f"\n{host.name}: {notebook.name}: first heatmap {facts['first_heatmap']:.0f} s after "
        f"opening, whole notebook {facts['all']:.0f} s; "
        + ", ".join(f"{name} {before[name]}" for name in NEVER_TOUCHED)
        + f"; {len(new)} packages new, changed: {sorted(changed) or 'none'}"
    )
    assert changed.isdisjoint(NEVER_TOUCHED)
    assert "hw7-attribution-kit" in new
    assert "inseq" in new


def first_lines(notebook):
    """Return what the bootstrap cell printed in the executed copy."""
    cells = json.loads(notebook.with_suffix(".executed.ipynb").read_text())["cells"]
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    texts = [output.get("text", []) for output in first["outputs"]]
    shown = "".join("".join(text) for text in texts)
    return re.sub(r"\x1b\[[0-9;]*m", "", shown).strip().splitlines()  # pip resets the colors


def test_hosts_differ_in_what_breaks_notebooks(tmp_path):
    majors = {}
    for host in HOSTS.values():
        python = python_of(host, tmp_path / host.name)
        versions = versions_of(python)
        majors[host.name] = versions["ipython"].split(".")[0]
        assert not {"hw7-attribution-kit", "inseq", "captum"} & set(versions)
        assert "torch" in versions
    assert majors == {"colab": "7", "kaggle": "8", "classroom": "9"}


@pytest.mark.parametrize("name", ["01_setup", "02_translation"])
def test_colab_installs_from_the_address_and_shows_a_heatmap(released, tmp_path, name):
    python = python_of(COLAB, tmp_path)
    before = versions_of(python)
    content = tmp_path / "content"
    content.mkdir()
    notebook = Path(shutil.copy(released / "notebooks" / f"{name}.ipynb", content))
    facts = run_notebook(python, notebook, COLAB, tmp_path, is_isolated=False)
    check(COLAB, python, before, facts, notebook)
    assert first_lines(notebook)[-1].startswith("helpers ")


def test_kaggle_without_internet_installs_from_its_dataset(released, tmp_path, can_isolate):
    python = python_of(KAGGLE, tmp_path)
    before = versions_of(python)
    dataset = tmp_path / "kaggle" / "input" / "hw7-attribution-kit"
    shutil.copytree(released / "kaggle", dataset)
    working = tmp_path / "kaggle" / "working"
    working.mkdir()
    notebook = Path(shutil.copy(released / "notebooks" / "02_translation.ipynb", working))
    facts = run_notebook(
        python, Path("/kaggle/working") / notebook.name, KAGGLE, tmp_path,
        root_folders={"kaggle": str(tmp_path / "kaggle")}, is_isolated=True,
    )  # fmt: skip
    check(KAGGLE, python, before, facts, notebook)
    assert first_lines(notebook)[-1].startswith("helpers ")


def unpacked_classroom(released, tmp_path):
    with zipfile.ZipFile(released / "hw7-classroom.zip") as archive:
        archive.extractall(tmp_path / "a folder with spaces")
    return tmp_path / "a folder with spaces" / "hw7-classroom"


@pytest.mark.parametrize("name", ["02_translation", "03_generation"])
def test_classroom_without_network_runs_from_the_unpacked_zip(
    released, tmp_path, can_isolate, name
):
    python = python_of(CLASSROOM, tmp_path)
    before = versions_of(python)
    notebook = unpacked_classroom(released, tmp_path) / f"{name}.ipynb"
    facts = run_notebook(python, notebook, CLASSROOM, tmp_path, is_isolated=True)
    check(CLASSROOM, python, before, facts, notebook)
    assert first_lines(notebook)[-1].startswith("helpers ")


UV = """#!{python}
import subprocess, sys
words = sys.argv[1:]
assert words[:2] == ["pip", "install"], words
place = words.index("--python")
target = words.pop(place + 1)
words.pop(place)
sys.exit(subprocess.call([{python!r}, "-m", "pip", "--python", target, *words[1:]]))
"""
"""Understands what the kit asks of uv. uv itself does not see packages that are shared by links."""


def test_an_environment_without_pip_installs_through_uv(released, tmp_path, can_isolate):
    """Environments made by uv have no pip of their own."""
    python = python_of(CLASSROOM, tmp_path)
    for folder in python.parent.parent.glob("lib/python3*/site-packages/pip*"):
        shutil.rmtree(folder)
    before = versions_of(python)
    assert "pip" not in before
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "uv").write_text(UV.format(python=sys.executable))
    (programs / "uv").chmod(0o755)
    notebook = unpacked_classroom(released, tmp_path) / "02_translation.ipynb"
    facts = run_notebook(python, notebook, CLASSROOM, tmp_path, is_isolated=True, programs=programs)
    check(CLASSROOM, python, before, facts, notebook)
