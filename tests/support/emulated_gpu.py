"""GPUs of all ages, emulated under a torch that was built for some of them."""

import pytest

# As torch 2.8 on Kaggle, 2.6, 2.4, and the last two with code that the driver translates.
NEW = ["sm_70", "sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
OLD = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]


@pytest.fixture(name="gpu")
def gpu_fixture(monkeypatch):
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
