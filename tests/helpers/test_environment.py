"""The repairs and look-ups a notebook needs at its start."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from helpers import environment


@pytest.fixture
def without_display(monkeypatch):
    """IPython as from version 9 on, whichever version is installed."""
    import IPython.core.display

    for name in ("display", "__getattr__"):
        if name in vars(IPython.core.display):
            monkeypatch.delattr(IPython.core.display, name)
    return IPython.core.display


def test_repair_silences_an_ipython_that_answers_with_a_warning(without_display, monkeypatch):
    def answer(name):
        if name != "display":
            raise AttributeError(name)
        warnings.warn(f"{name} is deprecated", DeprecationWarning, stacklevel=2)
        return print

    monkeypatch.setattr(without_display, "__getattr__", answer, raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert environment.repair_ipython_display() is False
        from IPython.core.display import display
        from IPython.display import display as own
    assert display is own


def test_repair_puts_ipythons_own_function_back(without_display):
    from IPython.display import display

    assert environment.repair_ipython_display() is True
    assert without_display.display is display


def test_repair_changes_nothing_where_the_name_exists(without_display):
    without_display.display = sentinel = object()
    assert environment.repair_ipython_display() is False
    assert without_display.display is sentinel


def test_inseqs_import_works_after_the_repair(without_display):
    environment.repair_ipython_display()
    from IPython.core.display import HTML, display

    assert callable(display)
    assert callable(HTML)


def test_prepare_notebook_prints_one_line_on_host_and_versions(capsys):
    environment.prepare_notebook()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert all(word in lines[0] for word in ("local", "inseq", "transformers", "torch"))


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("COLAB_RELEASE_TAG", "Colab"), ("KAGGLE_KERNEL_RUN_TYPE", "Kaggle"), (None, "local")],
)
def test_host_is_told_from_the_variables_it_sets(monkeypatch, variable, expected):
    for name in ("COLAB_RELEASE_TAG", "COLAB_GPU", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "x")
    assert environment.host() == expected


def test_models_folder_is_the_one_the_variable_names(monkeypatch, tmp_path):
    monkeypatch.setenv("HW7_MODELS_FOLDER", str(tmp_path))
    assert environment.models_folder() == tmp_path


def test_assets_folder_holds_the_published_scores():
    assert (environment.assets_folder() / "reference").is_dir()


def run_python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return result.stdout


def test_import_of_helpers_loads_no_heavy_package():
    heavy = ("torch", "transformers", "inseq", "matplotlib", "pandas", "IPython", "numpy")
    code = f"import sys, helpers; print([name for name in {heavy} if name in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_import_of_helpers_takes_under_100_milliseconds():
    # The least of ten is the import itself; the others add the noise of the machine.
    code = "import time; t = time.perf_counter(); import helpers; print(time.perf_counter() - t)"
    assert min(float(run_python(code)) for _ in range(10)) < 0.1


def test_public_surface_is_what_init_lists():
    import helpers

    for name in helpers.__all__:
        assert getattr(helpers, name).__doc__
    with pytest.raises(AttributeError, match="explain"):
        _ = helpers.no_such_name


def test_project_folder_is_this_checkout():
    assert environment.project_folder() == Path(__file__).resolve().parents[2]


@pytest.fixture
def gpu(monkeypatch):
    """Emulate a GPU of a capability under a torch that was built for some."""
    import torch

    def put_in(capability, built_for, name="Tesla"):
        monkeypatch.setattr(torch.version, "hip", None)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: built_for)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index=None: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index=None: name)

    return put_in


# As torch 2.8 on Kaggle, 2.6, 2.4, and the last two with code that the driver translates.
NEW = ["sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
OLD = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]


@pytest.mark.parametrize(
    ("capability", "built_for", "is_usable"),
    [
        ((6, 0), NEW, False),  # Kaggle's P100
        ((6, 0), OLD, True),
        ((6, 1), OLD, True),  # code for 6.0 runs on 6.1
        ((7, 5), NEW, True),  # T4
        ((8, 9), NEW, True),  # code for 8.6 runs on 8.9
        ((8, 0), ["sm_86"], False),  # but not the other way round
        ((12, 0), OLD, False),  # newer than torch
        ((12, 0), [*OLD, "compute_90"], True),
        ((6, 0), [*NEW, "compute_70"], False),  # translated for newer ones only
        ((9, 0), ["sm_80", "sm_90a"], True),
        ((10, 0), ["sm_90", "sm_100"], True),
        ((6, 0), [], True),  # unknown: let torch decide
    ],
)
def test_a_gpu_is_usable_where_torch_has_code_for_it(gpu, capability, built_for, is_usable):
    gpu(capability, built_for)
    assert (environment.gpu_obstacle("cuda") is None) == is_usable


def test_the_obstacle_names_the_gpu_and_what_torch_was_built_for(gpu):
    gpu((6, 0), NEW, "Tesla P100-PCIE-16GB")
    said = environment.gpu_obstacle("cuda:0") or ""
    assert "Tesla P100-PCIE-16GB (sm_60)" in said
    assert "sm_70, sm_75" in said


def test_auto_takes_the_cpu_and_says_why_where_torch_has_no_code_for_the_gpu(gpu, capsys):
    from helpers.models import choose_device

    gpu((6, 0), NEW, "Tesla P100-PCIE-16GB")
    assert choose_device() == "cpu"
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "CPU is used" in said
    assert "P100" in said


def test_auto_takes_a_gpu_that_torch_has_code_for(gpu, capsys):
    from helpers.models import choose_device

    gpu((7, 5), NEW)
    assert choose_device() == "cuda"
    assert capsys.readouterr().out == ""


def test_a_gpu_asked_for_without_code_is_refused(gpu):
    from helpers.errors import DeviceError
    from helpers.models import choose_device

    gpu((6, 0), NEW, "Tesla P100-PCIE-16GB")
    with pytest.raises(DeviceError, match=r"P100.*device='cpu'"):
        choose_device("cuda")


def test_the_doctor_notes_a_gpu_that_cannot_be_used(gpu):
    from hw7.course.doctor.machine import device_finding

    gpu((6, 0), NEW, "Tesla P100-PCIE-16GB")
    found = device_finding()
    assert found.state == "note"
    assert found.text.startswith("cpu ")
    assert "P100" in found.text


@pytest.mark.parametrize(
    ("capability", "device", "expected"),
    [((7, 5), "cuda", "float32"), ((8, 0), "cuda:0", "bfloat16"), ((7, 5), "cpu", "bfloat16")],
)
def test_bfloat16_is_used_where_the_device_computes_in_it(
    gpu, capsys, capability, device, expected
):
    import torch

    from helpers.models import torch_dtype

    gpu(capability, NEW, "Tesla T4")
    assert torch_dtype("bfloat16", device) is getattr(torch, expected)
    assert ("T4 does not compute in bfloat16" in capsys.readouterr().out) == (expected == "float32")


def test_float16_and_float32_are_left_alone_on_an_old_gpu(gpu):
    import torch

    from helpers.models import torch_dtype

    gpu((7, 5), NEW)
    assert torch_dtype("float16", "cuda") is torch.float16
    assert torch_dtype("auto", "cuda") is torch.float32
