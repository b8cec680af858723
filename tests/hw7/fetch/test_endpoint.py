"""The hub's address, changed when the libraries are long loaded, and what stands in the way."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hw7.fetch.availability import needs_hub, why_not_fetched
from hw7.fetch.endpoint import apply_environment, hub_endpoint, obstacle_in_cache, obstacle_to
from hw7.fetch.errors import NoNetworkError
from tests.support.hub_server import hub_server_fixture  # noqa: F401

BUNDLED = Path(__file__).parents[3] / "assets" / "models" / "tiny-zh-en"
NAME = "organisation/model"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    """No setting of the developer's own; what a test applies to the libraries is undone."""
    for name in ("HF_ENDPOINT", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with monkeypatch.context() as patch:
        yield patch
    apply_environment()


@pytest.fixture
def web_server():
    """A server that answers every address as told, with its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def __init__(self, answer, *args):
            self.answer = answer
            super().__init__(*args)

        def do_GET(self):
            self.send_response(self.answer["status"])
            self.send_header("Content-Type", self.answer["kind"])
            self.end_headers()
            self.wfile.write(b"<html>Please log in</html>")

        def log_message(self, *_):
            pass

    answer = {"status": 200, "kind": "text/html", "address": ""}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, answer))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    answer["address"] = f"http://127.0.0.1:{server.server_port}"
    yield answer
    server.shutdown()
    server.server_close()


def test_the_address_is_the_argument_the_variable_or_the_public_one(monkeypatch):
    assert hub_endpoint() == "https://huggingface.co"
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert hub_endpoint() == "https://mirror.example"
    assert hub_endpoint("http://other") == "http://other"


def test_libraries_that_are_loaded_take_the_new_address(monkeypatch):
    import huggingface_hub
    import transformers  # noqa: F401

    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example")
    apply_environment()
    assert huggingface_hub.hf_hub_url(NAME, "x").startswith("http://mirror.example/")
    assert huggingface_hub.HfApi().endpoint == "http://mirror.example"
    assert huggingface_hub.hf_api.api.endpoint == "http://mirror.example"
    monkeypatch.delenv("HF_ENDPOINT")
    apply_environment()
    assert huggingface_hub.hf_hub_url(NAME, "x").startswith("https://huggingface.co/")


PROGRAM = """
import os, sys
from helpers import load_model
from helpers.errors import ModelNotFoundError
for pair in sys.argv[1:]:
    try:
        load_model("organisation/model")
        sys.exit("loaded from nowhere")
    except ModelNotFoundError as error:
        print(error)
    os.environ.update([pair.split("=", 1)])
model = load_model("organisation/model", device="cpu")
print("loaded", model.model_name)
"""


@pytest.mark.bundled
def test_what_is_set_after_a_first_failure_is_what_the_libraries_use(hub_server, tmp_path):
    hub_server.serve(NAME, shutil.copytree(BUNDLED, tmp_path / "published"))
    own = {"HF_HOME": str(tmp_path / "home"), "HF_HUB_DISABLE_XET": "1"}
    at_start = {"HF_ENDPOINT": NOWHERE, "HF_HUB_OFFLINE": "1"}  # when the libraries are loaded
    words = ["HF_HUB_OFFLINE=0", f"HF_ENDPOINT={hub_server.endpoint}"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], env={**os.environ, **own, **at_start},
        capture_output=True, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    forbidden, silent = (line for line in done.stdout.splitlines() if "Next:" in line)
    assert "HF_HUB_OFFLINE" in forbidden
    assert f"{NOWHERE} does not answer" in silent
    assert done.stdout.splitlines()[-1] == f"loaded {NAME}"


def test_a_hub_that_answers_is_no_obstacle_also_without_that_model(monkeypatch, hub_server):
    monkeypatch.setenv("HF_ENDPOINT", hub_server.endpoint)
    assert obstacle_to(NAME) is None


def test_a_log_in_page_is_told_from_the_hub(monkeypatch, web_server):
    monkeypatch.setenv("HF_ENDPOINT", web_server["address"])
    obstacle = obstacle_to(NAME)
    assert "a web page instead of the hub's data" in obstacle.why
    assert "log in to the network" in obstacle.remedy


def test_a_hub_in_trouble_is_told_with_its_status(monkeypatch, web_server):
    web_server["status"] = 503
    monkeypatch.setenv("HF_ENDPOINT", web_server["address"])
    assert "status 503" in obstacle_to(NAME).why


def test_a_connection_that_is_not_encrypted_as_it_should_be_is_told(monkeypatch, web_server):
    monkeypatch.setenv("HF_ENDPOINT", web_server["address"].replace("http:", "https:"))
    assert "certificate" in obstacle_to(NAME).why


def test_nobody_there_names_the_mirror(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", NOWHERE)
    obstacle = obstacle_to(NAME)
    assert obstacle.why == f"{NOWHERE} does not answer"
    assert "%env HF_ENDPOINT=https://hf-mirror.com" in obstacle.remedy


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
@pytest.mark.parametrize("value", ["1", "true", "ON", "YES"])
def test_offline_mode_is_named(monkeypatch, hub_server, variable, value):
    monkeypatch.setenv("HF_ENDPOINT", hub_server.endpoint)
    monkeypatch.setenv(variable, value)
    assert "forbids downloads" in obstacle_to(NAME).why
    assert not hub_server.requests


@pytest.mark.parametrize("address", ["socks5h://127.0.0.1:9", "SOCKS4://127.0.0.1:9"])
def test_a_socks_proxy_without_its_package_says_what_to_install(monkeypatch, address):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("ALL_PROXY", address)
    assert "pip install pysocks socksio" in obstacle_to(NAME).remedy


def test_a_cache_that_cannot_be_written_is_told_before_anything_is_fetched(
    monkeypatch, hub_server, tmp_path
):
    (tmp_path / "file").touch()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "file" / "hub"))
    assert "cannot be written" in obstacle_in_cache().why
    monkeypatch.setenv("HF_ENDPOINT", hub_server.endpoint)
    with pytest.raises(NoNetworkError, match=r"cannot be written.*HF_HOME"):
        needs_hub(NAME, NAME)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 401}, "no model has this name"),
        ({"status": 403, "headers": {"X-Error-Code": "GatedRepo"}}, "is gated: accept its terms"),
        ({"status": 429, "headers": {"Retry-After": "900"}}, "limits requests"),
    ],
)
def test_what_the_hub_refuses_is_told_by_its_status(monkeypatch, hub_server, tmp_path, fault, said):
    from huggingface_hub import HfApi

    monkeypatch.setenv("HF_ENDPOINT", hub_server.endpoint)
    hub_server.break_with("model info", "status", **fault)
    hub_server.serve(NAME, tmp_path)
    with pytest.raises(OSError) as caught:
        HfApi(endpoint=hub_server.endpoint).model_info(NAME)
    wrapped = OSError("cannot load")  # as Transformers does it
    wrapped.__cause__ = caught.value
    assert said in why_not_fetched(NAME, wrapped)
