"""From the hub to a heatmap under the full model's name; the hub is on the loopback address."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from helpers.catalog import CATALOG
from helpers.environment import assets_folder
from tests.support.hub_server import HubServer, hub_server_fixture  # noqa: F401

PROJECT = Path(__file__).parents[2]
NOTEBOOK = PROJECT / "notebooks" / "02_translation.ipynb"
NOWHERE = "http://127.0.0.1:9"


@pytest.mark.bundled
def test_notebook_02_runs_from_downloaded_files_without_network(
    hub_server: HubServer, tmp_path: Path
) -> None:
    full_name = CATALOG["translation"].full_id
    hub_server.serve(full_name, assets_folder() / "models" / "tiny-zh-en")
    environment = {
        **os.environ,
        "HF_HOME": str(tmp_path / "hf-home"),
        "HW7_MODELS_FOLDER": str(tmp_path / "models"),
        "HW7_PYTHON": sys.executable,
    }
    subprocess.run(
        ["bash", str(PROJECT / "download_models.sh"), "translation"],
        env={**environment, "HF_ENDPOINT": hub_server.endpoint}, check=True, timeout=120,
    )  # fmt: skip
    hub_server.stop()

    finished = subprocess.run(
        [sys.executable, "-m", "hw7.cli", "run", str(NOTEBOOK), "--models", "full",
         "-o", str(tmp_path / "build")],
        env={**environment, "HF_ENDPOINT": NOWHERE, "http_proxy": NOWHERE, "https_proxy": NOWHERE},
        capture_output=True, text=True, timeout=500, cwd=PROJECT,
    )  # fmt: skip

    assert finished.returncode == 0, finished.stderr
    executed = nbformat.read(tmp_path / "build" / NOTEBOOK.name, as_version=4)
    printed = "".join(
        output.get("text", "") for cell in executed.cells for output in cell.get("outputs", [])
    )
    assert f"Loading {full_name} on" in printed
    assert "tiny-zh-en" not in printed
