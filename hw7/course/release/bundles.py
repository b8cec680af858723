"""The zip for classrooms without a network: unpack, open a notebook, run all."""

import zipfile
from pathlib import Path

from hw7.course.release.packages import FOLDER

ROOT = "hw7-classroom"

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


def write_classroom_zip(
    path: Path, wheel: Path, notebooks: Path, packages: Path | None, sums: str
) -> None:
    """Write the zip: wheel and packages beside the notebooks, and how to start.

    Args:
        path: The new zip.
        wheel: The kit's wheel.
        notebooks: The folder with the students' notebooks.
        packages: Wheels of the other packages, or None.
        sums: The text of the manifest for the files in the zip.
    """
    content = classroom_files(wheel, notebooks, packages)
    start = _START.format(packages=_WITHOUT_PACKAGES if packages is None else _WITH_PACKAGES)
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in content.items():
            _add(archive, name, file.read_bytes())
        _add(archive, "START.txt", start.encode())
        _add(archive, "SHA256SUMS", sums.encode())


def classroom_files(wheel: Path, notebooks: Path, packages: Path | None) -> dict[str, Path]:
    """Return the files of the classroom folder by their names in it."""
    files = {wheel.name: wheel}
    for path in sorted(path for path in notebooks.rglob("*") if path.is_file()):
        files[path.relative_to(notebooks).as_posix()] = path
    for path in sorted(packages.glob("*.whl")) if packages else []:
        files[f"{FOLDER}/{path.name}"] = path
    return files


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(f"{ROOT}/{name}", _TIME)
    is_packed = name.endswith((".whl", ".zip"))
    entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
