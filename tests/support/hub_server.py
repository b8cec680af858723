"""A hub on the loopback address: model info, tree, ``resolve`` with redirects to a blob host.

It speaks what ``huggingface_hub`` 0.30 to 2.x and aria2c use, serves local folders under real
model names, records every request, and breaks on demand. Tests use the fixture ``hub_server``.
"""

import contextlib
import hashlib
import json
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

LFS_SUFFIXES = {".safetensors", ".bin", ".spm", ".h5", ".ot", ".msgpack"}
ACCEPTED_TOKEN = "hf_accepted"
FOREVER = 10**9

_INFO = re.compile(r"/api/models/(?P<model>[^/]+/[^/]+)(/revision/(?P<revision>[^/]+))?")
_TREE = re.compile(r"/api/models/(?P<model>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)(/.*)?")
_RESOLVE = re.compile(r"/(?P<model>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
_BLOB = re.compile(r"/blobs/(?P<model>[^/]+/[^/]+)/(?P<file>[^/]+)")


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    host: Literal["hub", "blob"]
    method: str
    path: str
    headers: dict[str, str]
    moment: float = field(default_factory=time.monotonic)

    @property
    def first_byte(self) -> int:
        """The byte a range begins at; 0 without a range."""
        match = re.match(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(match[1]) if match else 0


@dataclass
class Fault:
    """Something that goes wrong with requests for a file, a number of times.

    Attributes:
        file: pattern of file names; ``"model info"`` stands for the API.
        times: how many requests it strikes.
        status: answer with this status instead of the content.
        headers: headers of that answer.
        at: the byte of the file ``cut``, ``corrupt`` and ``call`` wait for.
        kind: close the connection, flip a byte, drip bytes, or call ``action``.
        host: which of the two hosts it strikes.
        struck: how often it has struck.
    """

    file: str
    kind: Literal["status", "cut", "corrupt", "drip", "call"]
    times: int = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    at: int = 0
    host: Literal["hub", "blob", "any"] = "any"
    action: Callable[[], None] = lambda: None
    struck: int = 0


@dataclass
class ServedModel:
    """A folder under a model's name."""

    name: str
    folder: Path
    is_gated: bool = False

    @property
    def commit(self) -> str:
        """A commit that changes with the content."""
        digest = hashlib.sha1()
        for path in self.paths():
            digest.update(f"{path.name} {git_sha1(path)}".encode())
        return digest.hexdigest()

    def paths(self) -> list[Path]:
        """All files, also in subfolders."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def name_of(self, path: Path) -> str:
        """The name of a file on the hub."""
        return path.relative_to(self.folder).as_posix()


class HubServer:
    """The two hosts, what they serve, what they were asked and how they shall fail."""

    def __init__(self) -> None:
        self.models: dict[str, ServedModel] = {}
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.is_stopping = threading.Event()
        self._lock = threading.Lock()
        self._hub = self._start("hub")
        self._blob = self._start("blob")

    @property
    def endpoint(self) -> str:
        """Address for ``HF_ENDPOINT``."""
        return f"http://127.0.0.1:{self._hub.server_port}"

    @property
    def blob_address(self) -> str:
        """Address of the storage host."""
        return f"http://127.0.0.1:{self._blob.server_port}"

    def serve(self, name: str, folder: Path, *, is_gated: bool = False) -> ServedModel:
        """Serve a folder under a model's name."""
        self.models[name] = ServedModel(name, folder, is_gated)
        return self.models[name]

    def break_with(self, file: str, kind: str, **details: Any) -> Fault:
        """Let requests for a file fail; return the fault, which counts how often it struck."""
        fault = Fault(file, kind, **details)  # type: ignore[arg-type]
        self.faults.append(fault)
        return fault

    def transfers(self, file: str) -> list[Request]:
        """GET requests for the content of a file, wherever it is stored."""
        return [
            request
            for request in self.requests
            if request.method == "GET"
            and request.path.endswith(f"/{file}")
            and not (request.host == "hub" and Path(file).suffix in LFS_SUFFIXES)
        ]

    def stop(self) -> None:
        """Stop both hosts."""
        self.is_stopping.set()
        for server in (self._hub, self._blob):
            server.shutdown()
            server.server_close()

    def record(self, request: Request) -> None:
        """Note a request."""
        with self._lock:
            self.requests.append(request)

    def strike(self, host: str, file: str, *kinds: str, span: tuple[int, int] = (0, 0)) -> Any:
        """Return the fault that strikes this request, counted, or None.

        A fault at a byte strikes only requests whose span contains the byte.
        """
        with self._lock:
            for fault in self.faults:
                is_due = fault.struck < fault.times and fault.kind in kinds
                if is_due and fault.host in {host, "any"} and fnmatch(file, fault.file):
                    if fault.kind in {"cut", "corrupt"} and not span[0] <= fault.at < span[1]:
                        continue
                    fault.struck += 1
                    return fault
        return None

    def _start(self, host: str) -> ThreadingHTTPServer:
        handler = type("Handler", (_Handler,), {"hub": self, "host": host})
        server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up in these tests on purpose; that is no error of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer
    host: Literal["hub", "blob"]

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""

    def _answer(self) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.record(Request(self.host, self.command, path, headers))
        routes = {
            "hub": ((_TREE, self._tree), (_INFO, self._info), (_RESOLVE, self._resolve)),
            "blob": ((_BLOB, self._blob),),
        }[self.host]
        for pattern, route in routes:
            if match := pattern.fullmatch(path):
                model = self.hub.models.get(match["model"])
                if model is None:
                    self._refuse(404, {"X-Error-Code": "RepoNotFound"})
                else:
                    route(model, match, parse_qs(address.query))
                return
        self._refuse(404, {})

    def _info(self, model: ServedModel, match: re.Match[str], query: dict[str, Any]) -> None:
        if self._is_struck("model info") or not self._is_known(model, match["revision"] or "main"):
            return
        has_blobs = query.get("blobs", [""])[0].lower() in {"true", "1"}
        siblings = [_sibling(model, path, has_blobs) for path in model.paths()]
        content = {"_id": "0", "id": model.name, "modelId": model.name, "sha": model.commit}
        content |= {"private": False, "gated": "auto" if model.is_gated else False}
        content |= {"siblings": siblings, "tags": [], "downloads": 0, "likes": 0}
        self._send_json(content)

    def _tree(self, model: ServedModel, match: re.Match[str], query: dict[str, Any]) -> None:
        if self._is_struck("model info") or not self._is_known(model, match["revision"]):
            return
        self._send_json([_tree_entry(model, path) for path in model.paths()])

    def _resolve(self, model: ServedModel, match: re.Match[str], query: dict[str, Any]) -> None:
        file = model.folder / match["file"]
        if self._is_struck(match["file"]) or not self._is_known(model, match["revision"]):
            return
        if model.is_gated and self.headers.get("Authorization") != f"Bearer {ACCEPTED_TOKEN}":
            self._refuse(401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access restricted"})
        elif not file.is_file():
            self._refuse(404, {"X-Error-Code": "EntryNotFound"})
        elif file.suffix in LFS_SUFFIXES:
            sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
            location = f"{self.hub.blob_address}/blobs/{model.name}/{quote(file.name)}"
            self._refuse(
                302,
                {
                    "Location": f"{location}?Signature={sha256[:16]}",
                    "X-Repo-Commit": model.commit,
                    "X-Linked-Size": str(file.stat().st_size),
                    "X-Linked-ETag": f'"{sha256}"',
                },
            )
        else:
            headers = {"X-Repo-Commit": model.commit, "ETag": f'"{git_sha1(file)}"'}
            self._send_file(file, headers)

    def _blob(self, model: ServedModel, match: re.Match[str], query: dict[str, Any]) -> None:
        if self._is_struck(match["file"]):
            return
        if self.headers.get("Authorization"):  # as storage with signed addresses does
            self._refuse(400, {"X-Error": "two ways to authenticate"})
            return
        file = model.folder / match["file"]
        self._send_file(file, {"ETag": f'"{hashlib.md5(file.read_bytes()).hexdigest()}"'})

    def _is_known(self, model: ServedModel, revision: str) -> bool:
        if revision in {"main", model.commit}:
            return True
        self._refuse(404, {"X-Error-Code": "RevisionNotFound"})
        return False

    def _is_struck(self, file: str) -> bool:
        if fault := self.hub.strike(self.host, file, "status"):
            self._refuse(fault.status, fault.headers)
        return fault is not None

    def _refuse(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send_json(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _send_file(self, file: Path, headers: dict[str, str]) -> None:
        content = bytearray(file.read_bytes())
        start, end = self._span(len(content))
        if start >= max(1, len(content)):
            self._refuse(416, {"Content-Range": f"bytes */{len(content)}"})
            return
        is_range = "Range" in self.headers
        self.send_response(206 if is_range else 200)
        for name, value in {**headers, "Accept-Ranges": "bytes"}.items():
            self.send_header(name, value)
        if is_range:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if self.command == "GET":
            self._send_body(file.name, content, start, end)

    def _span(self, size: int) -> tuple[int, int]:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not match:
            return 0, size
        return int(match[1]), min(size, int(match[2]) + 1) if match[2] else size

    def _send_body(self, file: str, content: bytearray, start: int, end: int) -> None:
        if fault := self.hub.strike(self.host, file, "corrupt", span=(start, end)):
            content[fault.at] ^= 0xFF
        if self.hub.strike(self.host, file, "drip"):
            self._drip(content[start:end])
            return
        cut = self.hub.strike(self.host, file, "cut", span=(start, end))
        call = self.hub.strike(self.host, file, "call")
        if call:
            self._write(content[start : call.at])
            call.action()
            start = max(start, call.at)
        self._write(content[start : cut.at if cut else end])
        if cut:
            self._hang_up()

    def _write(self, content: bytearray) -> None:
        self.wfile.write(content)
        self.wfile.flush()

    def _drip(self, content: bytearray) -> None:
        for byte in content:
            if self.hub.is_stopping.wait(0.1):
                return
            self._write(bytearray([byte]))

    def _hang_up(self) -> None:
        """End the connection in the middle of the content."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)


def git_sha1(path: Path) -> str:
    """Git's object name of a file."""
    content = path.read_bytes()
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()


def _lfs(path: Path) -> dict[str, Any] | None:
    if path.suffix not in LFS_SUFFIXES:
        return None
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"sha256": sha256, "size": path.stat().st_size, "pointerSize": 134}


def _sibling(model: ServedModel, path: Path, has_blobs: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"rfilename": model.name_of(path)}
    if has_blobs:
        entry |= {"size": path.stat().st_size, "blobId": git_sha1(path)}
        if lfs := _lfs(path):
            entry["lfs"] = lfs
    return entry


def _tree_entry(model: ServedModel, path: Path) -> dict[str, Any]:
    entry = {"type": "file", "path": model.name_of(path), "size": path.stat().st_size}
    entry["oid"] = git_sha1(path)
    if lfs := _lfs(path):
        entry["lfs"] = {"oid": lfs["sha256"], "size": lfs["size"], "pointerSize": 134}
    return entry


def write_model_files(folder: Path, *, weights_size: int = 3_000_000, seed: int = 0) -> Path:
    """Fill a folder with the files of a translation model as the hub has them; content random."""
    generator = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "generation_config.json", "tokenizer_config.json", "vocab.json"):
        (folder / name).write_text(json.dumps({"file": name, "salt": generator.random()}))
    (folder / "README.md").write_text("# A model card\n")
    (folder / ".gitattributes").write_text("*.bin filter=lfs\n")
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(generator.randbytes(50_000))
    for name in ("tf_model.h5", "rust_model.ot"):
        (folder / name).write_bytes(generator.randbytes(1_000))
    (folder / "pytorch_model.bin").write_bytes(generator.randbytes(weights_size))
    return folder


@pytest.fixture(name="hub_server")
def hub_server_fixture() -> Iterator[HubServer]:
    """A hub on the loopback address, stopped after the test.

    Import this name into a test module, then ask for the fixture ``hub_server``.
    """
    server = HubServer()
    yield server
    server.stop()
