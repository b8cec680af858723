"""Whether torch has code for a GPU, with GPUs of all ages emulated."""

import pytest

from hw7.engine.devices import gpu_obstacle
from tests.support.emulated_gpu import NEW, OLD, gpu_fixture  # noqa: F401


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
