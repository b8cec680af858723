"""Which device a model is loaded on, with GPUs of all ages emulated."""

import pytest

from helpers import models
from helpers.errors import DeviceError
from tests.support.emulated_gpu import NEW, gpu_fixture  # noqa: F401


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
