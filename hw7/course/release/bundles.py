"""What is made of wheel and notebooks: the Kaggle dataset, the classroom zip, the checksums."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from hw7.course.handing_out import write_zip
from hw7.course.release.contents import MANIFEST, METADATA, ROOT, files_in
from hw7.course.release.wheels import FOLDER
from hw7.fetch.folders import sha256_of

# Kaggle asks for a title of 6 to 50 characters; the instructor sets the id, ``user/name``.
_DATASET = {
    "title": "HW7 feature attribution kit",
    "id": "your-name/hw7-attribution-kit",
    "licenses": [{"name": "Apache 2.0"}],
}
_START = """\
HW7：没有网络的教室 (for classrooms without a network)

1. 解压整个文件夹，不要移动里面的文件 (unpack the whole folder, keep its files together)。
2. 用 JupyterLab 打开 01_setup.ipynb，从第一个单元格起依次运行 (open it, run all cells)。
   第一个单元格会从旁边的 hw7_*.whl 安装工具包 (its first cell installs the kit from the wheel)。
{packages}
核对文件 (check the files): sha256sum -c SHA256SUMS
"""
_WITH_PACKAGES = """\
3. packages/ 里有所需的其他包；机器上要先有 Python、JupyterLab 和 torch
   (packages/ holds what else is needed; Python, JupyterLab and torch must be installed)。
"""
_WITHOUT_PACKAGES = """\
3. 机器上要先装好 Inseq、Transformers 和 torch：这个压缩包没有带其他包
   (Inseq, Transformers and torch must be installed: this zip carries no other packages)。
"""


def write_kaggle_folder(folder: Path, wheel: Path, packages: Path) -> None:
    """Write what ``kaggle datasets create -p FOLDER --dir-mode zip`` uploads.

    Kaggle mounts it below ``/kaggle/input``, where the first cell looks for the wheel.
    """
    folder.mkdir(parents=True)
    shutil.copy2(wheel, folder)
    if packages.is_dir():
        shutil.copytree(packages, folder / FOLDER)
    (folder / METADATA).write_text(json.dumps(_DATASET, indent=2) + "\n", encoding="utf-8")


def write_classroom_zip(path: Path, wheel: Path, notebooks: Path, packages: Path) -> None:
    """Write the zip: wheel and packages beside the notebooks, how to start, and checksums."""
    others = {f"{FOLDER}/{name}": file for name, file in files_in(packages).items()}
    files = {wheel.name: wheel, **files_in(notebooks), **others}
    start = _START.format(packages=_WITH_PACKAGES if others else _WITHOUT_PACKAGES)
    members: dict[str, Path | bytes] = {f"{ROOT}/{name}": file for name, file in files.items()}
    members |= {f"{ROOT}/START.txt": start.encode()}
    write_zip(path, members | {f"{ROOT}/{MANIFEST}": _manifest_of(files).encode()})


def write_manifest(folder: Path) -> None:
    """Write the checksums of all files in a folder into it."""
    (folder / MANIFEST).unlink(missing_ok=True)
    (folder / MANIFEST).write_text(_manifest_of(files_in(folder)), encoding="utf-8")


def _manifest_of(files: Mapping[str, Path]) -> str:
    """Return one line ``checksum  name`` for each file, as ``sha256sum -c`` reads them."""
    return "".join(f"{sha256_of(path)}  {name}\n" for name, path in sorted(files.items()))
