"""Whether what the homework imports can be imported here; if not, which package is at fault.

The imports run in a child process: a package built for another numpy or torch may take the whole
process down, and this one must live to tell.
"""

import json
import re
import subprocess
import sys
from importlib import metadata

from helpers.environment import installed_version
from hw7.course.doctor import Finding
from hw7.course.doctor.machine import pip_line, requirements

STEPS = {
    "numpy": "import numpy",
    "torch": "import torch; torch.ones(1).numpy()",  # built for another numpy, only this fails
    "tokenizers": "import tokenizers, sentencepiece, safetensors",
    "transformers": "from transformers import AutoTokenizer, LlamaForCausalLM, MarianMTModel",
    "inseq": "import inseq",
    "pandas": "import pandas",
    "matplotlib": "import matplotlib.figure",
    "ipywidgets": "import ipywidgets",
}
"""What the notebooks use, in an order in which each step stands on those before it."""

_TIME_LIMIT = 300.0
_PROGRAM = """
import json, sys, traceback
for name, code in json.loads(sys.argv[1]).items():
    print(json.dumps({"step": name}), flush=True)
    try:
        exec(code, {})
    except BaseException as error:
        while error.__cause__:
            error = error.__cause__
        files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        print(json.dumps({
            "kind": type(error).__name__, "said": str(error), "files": files,
            "missing": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        }), flush=True)
        sys.exit(1)
"""
_SITE_PACKAGE = re.compile(r"[/\\](?:site|dist)-packages[/\\](\w+)")
_WRONG_NUMPY = re.compile(
    r"numpy\.dtype size changed|NumPy 1\.x|_ARRAY_API|multiarray|is not avail"
)
_MISSING_LIBRARY = re.compile(r"WinError (126|127|1114)|DLL load failed")


def import_finding(steps: dict[str, str] | None = None) -> Finding:
    """Import everything in a child process, and name the package at fault if that fails."""
    steps = STEPS if steps is None else steps
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, json.dumps(steps)]
    try:  # the words are our own, no shell
        done = subprocess.run(command, capture_output=True, timeout=_TIME_LIMIT)  # noqa: S603
    except subprocess.TimeoutExpired:
        text = f"importing the packages took longer than {_TIME_LIMIT:.0f} seconds"
        return Finding("imports", "note", text, "try again; a network disk may be slow")
    if done.returncode == 0:
        return Finding("imports", "ok", f"{', '.join(steps)} can be imported")
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    reports = [json.loads(line) for line in lines if line.startswith("{")]
    *works, step = (report["step"] for report in reports if "step" in report)
    if "kind" not in reports[-1]:
        text = f"{step} ends the whole process (code {done.returncode}) when it is imported"
        return Finding("imports", "fault", text, _reinstall(step))
    return _explain(step, works, reports[-1])


def _explain(step: str, works: list[str], report: dict[str, object]) -> Finding:
    said = str(report["said"]).strip() or str(report["kind"])
    package = _package_at_fault(step, works, report)
    by = "" if package == step else f" because of {package}"
    text = f"{step} cannot be imported{by}: {said.splitlines()[0]}"
    if _MISSING_LIBRARY.search(said) and package == "torch":
        remedy = "install https://aka.ms/vs/17/release/vc_redist.x64.exe, then restart"
    elif report["kind"] == "ModuleNotFoundError":
        remedy = pip_line(f"install {package}")
    elif (needs := requirements()) and package.lower() not in {n.name.lower() for n in needs}:
        remedy = pip_line(f"uninstall -y {package}")
    elif _WRONG_NUMPY.search(said):
        remedy = pip_line(f"install --upgrade --force-reinstall --no-deps {package}")
    else:
        remedy = _reinstall(package)
    return Finding("imports", "fault", text, remedy)


def _package_at_fault(step: str, works: list[str], report: dict[str, object]) -> str:
    """Return the distribution to mend: the innermost one that did not just prove to work."""
    missing = str(report["missing"] or "").partition(".")[0]
    if report["kind"] == "ModuleNotFoundError" and missing and installed_version(missing) is None:
        return {"sklearn": "scikit-learn", "yaml": "pyyaml", "PIL": "pillow"}.get(missing, missing)
    files = report["files"] if isinstance(report["files"], list) else []
    inside = [match[1] for file in reversed(files) if (match := _SITE_PACKAGE.search(file))]
    module = next((name for name in inside if name not in works), step)
    names = metadata.packages_distributions().get(module) or [module]
    # Stubs lie in folders of the package they describe: pandas-stubs in pandas.
    return module if module in names else names[0]


def _reinstall(package: str) -> str:
    version = installed_version(package)
    pinned = f"{package}=={version}" if version else package
    return pip_line(f"install --force-reinstall --no-deps {pinned}")
