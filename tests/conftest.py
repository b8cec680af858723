"""Fixtures shared by all tests: the offline models, loaded once per session."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no failure of a test.
settings.register_profile("kit", deadline=None)
settings.load_profile("kit")

os.environ.setdefault("HW7_MODELS", "offline")
os.environ.setdefault("TQDM_DISABLE", "1")

PROJECT = Path(__file__).resolve().parent.parent
HOMEWORK_SENTENCE = "我喜欢机器学习和人工智能。"


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def translator():
    """The bundled translator, shared by all tests; release it never."""
    from helpers import load_model

    return load_model(str(PROJECT / "assets" / "models" / "tiny-zh-en"))


@pytest.fixture(scope="session")
def generator():
    """SmolLM2, shared by all tests; release it never."""
    from helpers import load_model

    folder = PROJECT / "models" / "smollm2-135m"
    if not (folder / "model.safetensors").is_file():
        pytest.skip("SmolLM2 is not here; fetch it with: make smollm2")
    return load_model(str(folder))


@pytest.fixture(scope="session")
def translation(translator):
    """The homework's sentence explained with both methods."""
    from helpers import explain

    return explain(translator, HOMEWORK_SENTENCE, methods=["saliency", "attention"])


@pytest.fixture(scope="session")
def continuation(generator):
    """The homework's prompt explained with both methods."""
    from helpers import explain

    return explain(generator, "Hello world", methods=["saliency", "attention"], max_new_tokens=5)
