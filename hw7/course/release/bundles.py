"""What is made of wheel and notebooks: the Kaggle dataset, the classroom zip, the checksums."""

import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from hw7.course.release.packages import FOLDER
from hw7.fetch.folders import sha256_of

ROOT = "hw7-classroom"
MANIFEST = "SHA256SUMS"
METADATA = "dataset-metadata.json"

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
_TIME = (2020, 2, 2, 0, 0, 0)  # the same files give the same bytes


def write_kaggle_folder(
    folder: Path, wheel: Path, packages: Path | None, *, title: str, identifier: str
) -> None:
    """Write what ``kaggle datasets create -p FOLDER --dir-mode zip`` uploads.

    Kaggle mounts it below ``/kaggle/input``, where the first cell looks for the wheel.

    Args:
        folder: The new folder.
        wheel: The kit's wheel.
        packages: Wheels of the packages Kaggle lacks, or None.
        title: The dataset's title, 6 to 50 characters as Kaggle asks.
        identifier: ``user/name`` of the dataset.
    """
    folder.mkdir(parents=True)
    shutil.copy2(wheel, folder)
    if packages is not None:
        shutil.copytree(packages, folder / FOLDER)
    metadata = {"title": title, "id": identifier, "licenses": [{"name": "Apache 2.0"}]}
    text = json.dumps(metadata, ensure_ascii=False, indent=2) + "\n"
    (folder / METADATA).write_text(text, encoding="utf-8")


def write_classroom_zip(path: Path, wheel: Path, notebooks: Path, packages: Path | None) -> None:
    """Write the zip: wheel and packages beside the notebooks, how to start, and checksums.

    Args:
        path: The new zip.
        wheel: The kit's wheel.
        notebooks: The folder with the students' notebooks.
        packages: Wheels of the other packages, or None.
    """
    files = {wheel.name: wheel}
    for file in sorted(file for file in notebooks.rglob("*") if file.is_file()):
        files[file.relative_to(notebooks).as_posix()] = file
    for file in sorted(packages.glob("*.whl")) if packages else []:
        files[f"{FOLDER}/{file.name}"] = file
    start = _START.format(packages=_WITHOUT_PACKAGES if packages is None else _WITH_PACKAGES)
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in files.items():
            _add(archive, name, file.read_bytes())
        _add(archive, "START.txt", start.encode())
        _add(archive, MANIFEST, _manifest_of(files).encode())


def write_manifest(folder: Path) -> Path:
    """Write the checksums of all files in a folder into it and return the manifest's path."""
    path = folder / MANIFEST
    files = {
        file.relative_to(folder).as_posix(): file
        for file in folder.rglob("*")
        if file.is_file() and file != path
    }
    path.write_text(_manifest_of(files), encoding="utf-8")
    return path


def _manifest_of(files: Mapping[str, Path]) -> str:
    """Return one line ``checksum  name`` for each file, as ``sha256sum -c`` reads them."""
    return "".join(f"{sha256_of(path)}  {name}\n" for name, path in sorted(files.items()))


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(f"{ROOT}/{name}", _TIME)
    is_packed = name.endswith((".whl", ".zip"))
    entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
