"""Execute a notebook as a host would, cut off from the network; written facts go to a file.

Started by ``unshare`` in namespaces of its own: the loopback address works, nothing else does,
and folders at the root of the file system (``/kaggle``) exist for this process alone. Without
namespaces it is started directly, and the caller decides whether there is a network.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

_HEATMAP = "application/vnd.hw7.facts+json"
_GET_FLAGS, _SET_FLAGS, _IS_UP = 0x8913, 0x8914, 0x1


def raise_loopback() -> None:
    """Turn on the loopback device of a new network namespace: Jupyter talks to its kernel there."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(endpoint, _GET_FLAGS, request))
        fcntl.ioctl(endpoint, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _IS_UP))


def mount_at_root(root: Path, name: str, source: Path) -> None:
    """Change to a root that is the machine's, with one more folder: ``/name`` shows ``source``."""
    root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(root)], check=True)
    for entry in Path("/").iterdir():
        copy = root / entry.name
        if entry.is_symlink():
            copy.symlink_to(entry.readlink())
        elif entry.is_dir():
            copy.mkdir()
            subprocess.run(["mount", "--rbind", str(entry), str(copy)], check=True)
    (root / name).mkdir()
    subprocess.run(["mount", "--rbind", str(source), str(root / name)], check=True)
    os.chroot(root)
    os.chdir("/")  # the old working directory lies outside the new root


def execute(notebook_path: Path, timeout: int) -> dict[str, object]:
    """Execute the notebook in its folder; return the time from opening it to the first heatmap."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = nbformat.read(notebook_path, as_version=4)
    started = time.monotonic()
    first_heatmap: list[float] = []

    def look(cell: nbformat.NotebookNode, **_: object) -> None:
        data = [output.data for output in cell.get("outputs", []) if "data" in output]
        if not first_heatmap and any(_HEATMAP in shown for shown in data):
            first_heatmap.append(time.monotonic() - started)

    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="host",
        on_cell_executed=look,
        resources={"metadata": {"path": str(notebook_path.parent)}},
    )
    failure = None
    try:
        client.execute()
    except CellExecutionError as error:
        failure = str(error)[-3000:]
    nbformat.write(notebook, notebook_path.with_suffix(".executed.ipynb"))
    seconds = first_heatmap[0] if first_heatmap else None
    return {"failure": failure, "first_heatmap": seconds, "all": time.monotonic() - started}


def main() -> None:
    """Set the namespaces up as the specification says, then execute."""
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if order["is_isolated"]:
        raise_loopback()
        for name, source in order["root_folders"].items():
            mount_at_root(Path(order["workshop"]) / "root", name, Path(source))
    facts = execute(Path(order["notebook"]), order["timeout"])
    Path(order["facts"]).write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    main()
