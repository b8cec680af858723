"""Downloads against a hub on the loopback address that fails in every way a real one does."""

import errno
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from helpers.catalog import CATALOG
from hw7.fetch import hub_snapshot
from hw7.fetch.completeness import has_weights, is_fetched
from hw7.fetch.errors import (
    AccessError,
    ChecksumError,
    DiskFullError,
    DownloadError,
    NoNetworkError,
    RateLimitError,
    UnknownModelError,
    retry_after,
)
from hw7.fetch.folders import bytes_on_disk, git_blob_sha1_of, sha256_of
from hw7.fetch.hub import fetch_model
from hw7.fetch.hub_files import HubFile, needed_files
from hw7.fetch.transfers import Transfer, aria2c_notes, choose_client, fetch_with_aria2c
from tests.support.hub_server import (
    ACCEPTED_TOKEN,
    FOREVER,
    HubServer,
    hub_server_fixture,  # noqa: F401
    write_model_files,
)

MODEL = CATALOG["translation"].full_id
WEIGHTS = "pytorch_model.bin"
NEEDED = {
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "vocab.json",
    "README.md",
    "source.spm",
    "target.spm",
    WEIGHTS,
}
CLIENTS = [
    "hf",
    pytest.param(
        "aria2c",
        marks=pytest.mark.skipif(
            shutil.which("aria2c") is None, reason="aria2c is missing; type: apt install aria2"
        ),
    ),
]
each_client = pytest.mark.parametrize("client", CLIENTS)


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's own token and settings out."""
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "no-token"))


@pytest.fixture
def published(hub_server: HubServer, tmp_path: Path) -> Path:
    """A folder served as the homework's translation model."""
    folder = write_model_files(tmp_path / "published")
    hub_server.serve(MODEL, folder)
    return folder


def fetch(server: HubServer, folder: Path, client: str = "hf", **settings: float) -> Path:
    return fetch_model(
        MODEL,
        folder,
        client=client,
        endpoint=server.endpoint,
        **settings,
    )


def assert_published(folder: Path, published: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*NEEDED, "download.json"}
    for name in NEEDED:
        assert sha256_of(folder / name) == sha256_of(published / name), name
    assert is_fetched(folder)


@each_client
def test_exactly_the_needed_files_arrive_unchanged(hub_server, published, tmp_path, client):
    folder = fetch(hub_server, tmp_path / "models" / "opus", client)
    assert_published(folder, published)
    assert {path.name for path in folder.parent.iterdir()} == {"opus", ".opus.lock"}


def test_a_second_call_takes_no_network(hub_server, published, tmp_path):
    fetch(hub_server, tmp_path / "opus")
    asked = len(hub_server.requests)
    fetch(hub_server, tmp_path / "opus")
    assert len(hub_server.requests) == asked


@each_client
def test_a_connection_cut_at_a_random_byte_is_resumed_there(
    hub_server, published, tmp_path, client
):
    cut = random.randrange(600_000, 2_900_000)
    fault = hub_server.break_with(WEIGHTS, "cut", at=cut)
    assert_published(fetch(hub_server, tmp_path / "opus", client), published)
    assert fault.struck == 1, f"cut at {cut}"
    resumed_at = hub_server.transfers(WEIGHTS)[-1].first_byte
    # The piece that was in memory may be lost: 256 KiB.
    assert cut - 300_000 <= resumed_at <= cut, f"cut at {cut}, resumed at {resumed_at}"


@each_client
@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_a_file_corrupted_once_is_fetched_again(hub_server, published, tmp_path, client, name):
    fault = hub_server.break_with(name, "corrupt", at=5)
    assert_published(fetch(hub_server, tmp_path / "opus", client), published)
    assert fault.struck == 1


@each_client
def test_a_file_that_stays_wrong_is_refused_and_moved_away(hub_server, published, tmp_path, client):
    fault = hub_server.break_with(WEIGHTS, "corrupt", at=1_000_000, times=FOREVER)
    folder = tmp_path / "opus"
    with pytest.raises(ChecksumError, match=r"pytorch_model\.bin .* not the published file"):
        fetch(hub_server, folder, client)
    assert fault.struck == 2
    assert not folder.exists()
    refused = list(tmp_path.glob(f".*refused/{WEIGHTS}"))
    assert len(refused) == 1
    hub_server.faults.clear()
    assert_published(fetch(hub_server, folder, client), published)


def test_an_unknown_model_is_told_in_one_line(hub_server, tmp_path):
    with pytest.raises(UnknownModelError) as caught:
        fetch(hub_server, tmp_path / "opus")
    assert MODEL in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_vanished_from_the_hub_is_an_error(hub_server, published, tmp_path):
    gone = {"X-Error-Code": "EntryNotFound"}
    hub_server.break_with("vocab.json", "status", status=404, headers=gone, times=FOREVER)
    with pytest.raises(UnknownModelError):
        fetch(hub_server, tmp_path / "opus")
    assert not (tmp_path / "opus").exists()


@each_client
def test_a_gated_model_needs_a_token_which_only_the_hub_receives(
    hub_server, published, tmp_path, monkeypatch, client
):
    hub_server.models[MODEL].is_gated = True
    with pytest.raises(AccessError, match="HF_TOKEN"):
        fetch(hub_server, tmp_path / "opus", client)
    monkeypatch.setenv("HF_TOKEN", ACCEPTED_TOKEN)
    assert_published(fetch(hub_server, tmp_path / "opus", client), published)
    to_storage = [request for request in hub_server.requests if request.host == "blob"]
    assert to_storage
    assert not any("authorization" in request.headers for request in to_storage)


def test_a_private_model_is_told_apart_from_a_gated_one(hub_server, published, tmp_path):
    hub_server.break_with("model info", "status", status=401)
    with pytest.raises(AccessError, match="no model has this name"):
        fetch(hub_server, tmp_path / "opus")


@pytest.mark.parametrize("file", ["model info", "vocab.json"])
def test_a_rate_limit_is_waited_for_as_told(hub_server, published, tmp_path, file):
    told = {"Retry-After": "1"}
    hub_server.break_with(file, "status", status=429, headers=told, host="hub")
    began = time.monotonic()
    assert_published(fetch(hub_server, tmp_path / "opus"), published)
    assert time.monotonic() - began >= 1


def test_a_rate_limit_of_the_storage_is_survived(hub_server, published, tmp_path):
    told = {"Retry-After": "1"}
    hub_server.break_with(WEIGHTS, "status", status=429, headers=told, host="blob")
    assert_published(fetch(hub_server, tmp_path / "opus"), published)


def test_a_rate_limit_beyond_all_patience_is_an_error_at_once(hub_server, published, tmp_path):
    told = {"Retry-After": "3600"}
    hub_server.break_with("model info", "status", status=429, headers=told, times=FOREVER)
    with pytest.raises(RateLimitError, match="3600 seconds"):
        fetch(hub_server, tmp_path / "opus")


@each_client
def test_a_server_that_drips_bytes_is_asked_again(hub_server, published, tmp_path, client):
    fault = hub_server.break_with(WEIGHTS, "drip")
    folder = fetch(
        hub_server, tmp_path / "opus", client, stall_seconds=1.5 if client == "hf" else 3
    )
    assert_published(folder, published)
    assert fault.struck == 1


def test_a_server_that_only_drips_is_given_up(hub_server, published, tmp_path, monkeypatch):
    monkeypatch.setattr(hub_snapshot, "FRUITLESS_TRIES", 1)
    hub_server.break_with(WEIGHTS, "drip", times=FOREVER)
    # The small files arrive in the first try, so the second is the fruitless one.
    with pytest.raises(NoNetworkError, match=r"almost nothing arrived for 1\.5 seconds"):
        fetch(hub_server, tmp_path / "opus", stall_seconds=1.5)
    assert not (tmp_path / "opus").exists()


@each_client
def test_a_storage_that_always_fails_is_given_up(
    hub_server, published, tmp_path, monkeypatch, client
):
    monkeypatch.setattr(hub_snapshot, "FRUITLESS_TRIES", 1)
    hub_server.break_with(WEIGHTS, "status", status=503, host="blob", times=FOREVER)
    with pytest.raises(NoNetworkError, match="keeps breaking off"):
        fetch(hub_server, tmp_path / "opus", client)


def test_a_log_in_page_instead_of_the_hub_is_told(hub_server, tmp_path, monkeypatch):
    def answer(handler, *_):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.send_header("Content-Length", "26")
        handler.end_headers()
        handler.wfile.write(b"<html>Please log in</html>")

    hub_server.serve(MODEL, tmp_path)
    monkeypatch.setattr("tests.support.hub_server._Handler._info", answer)
    with pytest.raises(NoNetworkError, match="log-in pages of networks"):
        fetch(hub_server, tmp_path / "opus")


@pytest.mark.skipif(
    find_spec("socksio") is not None, reason="socksio is installed, so nothing is missing"
)
def test_a_socks_proxy_without_its_package_says_what_to_install(hub_server, tmp_path, monkeypatch):
    from huggingface_hub import utils

    utils.close_session() if hasattr(utils, "close_session") else utils.reset_sessions()
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(NoNetworkError, match="SOCKS"):
        fetch(hub_server, tmp_path / "opus")


def test_what_a_stopped_client_left_beside_a_whole_model_is_cleared(
    hub_server, published, tmp_path
):
    folder = fetch(hub_server, tmp_path / "opus")
    (folder / f"{WEIGHTS}.aria2").touch()
    assert not is_fetched(folder)
    assert_published(fetch(hub_server, folder), published)


def test_a_hub_that_is_not_there_suggests_the_mirror(tmp_path):
    with pytest.raises(NoNetworkError, match=r"bash download_models\.sh --mirror"):
        fetch_model(MODEL, tmp_path / "opus", endpoint="http://127.0.0.1:9")


def test_a_listing_without_sizes_is_refused(hub_server, published, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "tests.support.hub_server._sibling", lambda model, path, has_blobs: {"rfilename": path.name}
    )
    with pytest.raises(DownloadError, match="sizes and checksums"):
        fetch(hub_server, tmp_path / "opus")


def test_too_little_room_is_told_before_anything_is_fetched(
    hub_server, published, tmp_path, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DiskFullError, match="3 MB are still to come, 1 MB are free"):
        fetch(hub_server, tmp_path / "opus")
    assert not hub_server.transfers(WEIGHTS)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_write_that_finds_no_room_is_told_as_a_full_disk(hub_server, published, tmp_path):
    staging = tmp_path / ".opus.partial"
    staging.mkdir()
    (staging / f"{WEIGHTS}.part").symlink_to("/dev/full")  # every write gives ENOSPC
    with pytest.raises(DiskFullError, match="No space left"):
        fetch(hub_server, tmp_path / "opus")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs is not permitted here; run as root to lift this")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@each_client
def test_a_disk_that_fills_up_on_the_way_keeps_what_arrived(
    hub_server, published, small_disk, client
):
    filler = small_disk / "filler"

    def fill_up() -> None:
        time.sleep(0.3)  # let the client write what it has
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC

    fault = hub_server.break_with(WEIGHTS, "call", at=1_500_000, action=fill_up)
    with pytest.raises(DiskFullError):
        fetch(hub_server, small_disk / "opus", client)
    assert fault.struck == 1
    assert not (small_disk / "opus").exists()
    filler.unlink()
    assert_published(fetch(hub_server, small_disk / "opus", client), published)
    assert hub_server.transfers(WEIGHTS)[-1].first_byte > 1_000_000


def test_a_folder_filled_by_hand_is_verified_not_fetched_again(hub_server, published, tmp_path):
    folder = tmp_path / "opus"
    folder.mkdir()
    shutil.copy(published / WEIGHTS, folder)
    (folder / "config.json").write_text("{}")  # not the published one
    assert not is_fetched(folder)
    assert_published(fetch(hub_server, folder), published)
    assert not hub_server.transfers(WEIGHTS)


def test_a_folder_filled_by_hand_stays_when_the_hub_is_away(tmp_path):
    folder = tmp_path / "opus"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    with pytest.raises(NoNetworkError):
        fetch_model(MODEL, folder, endpoint="http://127.0.0.1:9")
    assert (folder / "config.json").read_text() == "{}"


def test_a_part_begun_by_aria2c_is_finished_by_the_other_client(hub_server, published, tmp_path):
    staging = tmp_path / ".opus.partial"
    staging.mkdir()
    content = (published / WEIGHTS).read_bytes()
    with (staging / f"{WEIGHTS}.part").open("wb") as part:
        part.write(content[:1_000_000])
        part.seek(2_000_000)  # a gap
        part.write(content[2_000_000:2_500_000])
    (staging / f"{WEIGHTS}.part.aria2").write_bytes(b"notes")
    assert_published(fetch(hub_server, tmp_path / "opus", "hf"), published)
    requests = hub_server.transfers(WEIGHTS)
    assert len(requests) == 1, "the first transfer was right"
    # At the gap (less one block), or at the start where the file system knows no gaps.
    assert requests[0].first_byte == 0 or 900_000 < requests[0].first_byte <= 1_000_000


def test_a_new_commit_replaces_what_an_older_one_left(hub_server, published, tmp_path):
    staging = tmp_path / ".opus.partial"
    staging.mkdir()
    (staging / "config.json").write_text("of an older commit")
    (staging / "removed_since.json").write_text("{}")
    assert_published(fetch(hub_server, tmp_path / "opus"), published)


def test_a_damaged_model_is_noticed_as_incomplete(hub_server, published, tmp_path):
    folder = fetch(hub_server, tmp_path / "opus")
    with (folder / WEIGHTS).open("ab") as file:
        file.truncate(10)
    assert has_weights(folder)
    assert not is_fetched(folder)


@pytest.mark.bundled
def test_transformers_loads_what_was_fetched_without_network(hub_server, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, Qwen3Config, Qwen3ForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 8}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 99}
    original = Qwen3ForCausalLM(Qwen3Config(**sizes, **heads))
    original.save_pretrained(tmp_path / "published")
    hub_server.serve(CATALOG["generation"].full_id, tmp_path / "published")
    folder = fetch_model(
        CATALOG["generation"].full_id, tmp_path / "qwen3", endpoint=hub_server.endpoint
    )
    hub_server.stop()
    model = AutoModelForCausalLM.from_pretrained(folder)
    for name, tensor in original.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_aria2c_asked_for_and_absent_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(DownloadError, match="apt install aria2"):
        choose_client("aria2c")
    assert choose_client("auto") == "hf"


@pytest.mark.parametrize(("arrived", "are_notes_kept"), [(4, False), (3, True)])
def test_a_wrong_checksum_ends_a_whole_file_for_aria2c_and_no_part_of_one(
    tmp_path, monkeypatch, arrived, are_notes_kept
):
    program, part = tmp_path / "aria2c", tmp_path / "part"
    program.write_text("#!/bin/sh\ncat > /dev/null\nexit 32\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    part.write_bytes(b"x" * arrived)
    aria2c_notes(part).touch()
    fetch_with_aria2c([Transfer("http://x", {}, part, 4, "0" * 64)], 1.0, show_progress=False)
    assert aria2c_notes(part).exists() == are_notes_kept


def named(*names: str) -> list[HubFile]:
    return [HubFile(name, 1, None, None) for name in names]


def test_safetensors_are_preferred_to_pickles():
    files = named("config.json", "model.safetensors", "pytorch_model.bin", "tf_model.h5")
    assert [file.name for file in needed_files(files)] == ["config.json", "model.safetensors"]


def test_pickles_are_taken_where_there_is_nothing_else():
    files = named("config.json", "pytorch_model.bin", "flax_model.msgpack", "rust_model.ot")
    assert [file.name for file in needed_files(files)] == ["config.json", "pytorch_model.bin"]


@pytest.mark.parametrize("name", ["../evil.json", "onnx/model.json", ".gitattributes", "a\nb.json"])
def test_names_that_leave_the_folder_or_break_a_line_are_never_fetched(name):
    assert needed_files(named(name)) == []


def test_the_object_name_of_a_file_is_gits_own(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(3_000_000))
    said = subprocess.run(
        ["git", "hash-object", "--no-filters", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert git_blob_sha1_of(path) == said.stdout.strip()


@given(st.integers(min_value=0, max_value=10**6))
def test_retry_after_reads_seconds(seconds):
    assert retry_after({"Retry-After": str(seconds)}) == seconds
    assert retry_after({"RateLimit": f'"resolvers";r=0;t={seconds}'}) == seconds


def test_retry_after_reads_dates():
    moment = datetime.now(timezone.utc) + timedelta(seconds=100)
    # The header has whole seconds, and the test itself takes time.
    assert 90 <= (retry_after({"Retry-After": format_datetime(moment, usegmt=True)}) or 0) <= 100


@example("²")  # a digit to Python, not a number
@example("Wed, 21 Oct 2015 07:28:00 -0000")
@example(f"Wed, 21 Oct {'9' * 30} 07:28:00 GMT")
@example(f"Wed, 21 Oct 2015 07:28:00 +{'9' * 30}")
@given(st.text(alphabet=st.characters(codec="latin-1")))
def test_retry_after_survives_anything(text):
    found = retry_after({"Retry-After": text, "RateLimit": text})
    assert found is None or found >= 0


def test_bytes_on_disk_does_not_count_gaps(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.seek(10_000_000)
        file.write(b"end")
    if path.stat().st_blocks * 512 > 5_000_000:
        pytest.skip("this file system stores gaps")
    assert bytes_on_disk([path, tmp_path / "absent"]) < 1_000_000
