"""Which device a model is loaded on, with GPUs of all ages emulated."""

import pytest

from helpers import models
from helpers.errors import DeviceError
from hw7.engine.devices import gpu_obstacle


@pytest.fixture
def gpu(monkeypatch):
    """Emulate a GPU of a capability under a torch that was built for some."""
    import torch

    def put_in(capability, built_for, name="Tesla"):
        monkeypatch.setattr(torch.version, "hip", None)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
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
        ((10, 3), ["sm_90", "sm_100a"], False),
        ((10, 3), ["sm_90", "sm_100f"], True),
        ((6, 0), [], True),  # unknown: let torch decide
    ],
)
def test_a_gpu_is_usable_where_torch_has_code_for_it(gpu, capability, built_for, is_usable):
    gpu(capability, built_for)
    assert (gpu_obstacle("cuda") is None) == is_usable


def test_the_obstacle_names_the_gpu_and_what_torch_was_built_for(gpu):
    gpu((6, 0), NEW, "Tesla P100-PCIE-16GB")
    said = gpu_obstacle("cuda:0") or ""
    assert "Tesla P100-PCIE-16GB (sm_60)" in said
    assert "sm_70, sm_75" in said


def test_auto_takes_the_cpu_and_says_why_where_torch_has_no_code_for_the_gpu(gpu, capsys):
    gpu((6, 0), NEW, "Tesla P100-PCIE-16GB")
    assert models.choose_device() == "cpu"
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "CPU is used" in said
    assert "P100" in said


def test_auto_takes_a_gpu_that_torch_has_code_for(gpu, capsys):
    gpu((7, 5), NEW)
    assert models.choose_device() == "cuda"
    assert capsys.readouterr().out == ""


def test_a_gpu_asked_for_without_code_is_refused(gpu):
    gpu((6, 0), NEW, "Tesla P100-PCIE-16GB")
    with pytest.raises(DeviceError, match=r"P100.*device='cpu'"):
        models.choose_device("cuda")


@pytest.mark.parametrize("device", ["cuda:2", "cuda:x", "cuda:", "cuda:-1", "cpu:x", "auto:1"])
def test_a_gpu_that_is_not_there_is_refused(gpu, device):
    gpu((7, 5), NEW)
    with pytest.raises(DeviceError, match="is not on this machine"):
        models.choose_device(device)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:1", "cpu"])
def test_a_gpu_that_is_there_is_taken(gpu, device):
    gpu((7, 5), NEW)
    assert models.choose_device(device) == device


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

    gpu(capability, NEW, "Tesla T4")
    assert models.torch_dtype("bfloat16", device) is getattr(torch, expected)
    assert ("T4 does not compute in bfloat16" in capsys.readouterr().out) == (expected == "float32")


def test_float16_and_float32_are_left_alone_on_an_old_gpu(gpu):
    import torch

    gpu((7, 5), NEW)
    assert models.torch_dtype("float16", "cuda") is torch.float16
    assert models.torch_dtype("auto", "cuda") is torch.float32
