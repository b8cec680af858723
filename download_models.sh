#!/usr/bin/env bash
# Find a Python and hand over to `hw7 download`: bash download_models.sh --help tells the options.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
export PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}"

# HW7_PYTHON, the kit's own environment, or any Python that has huggingface_hub.
for python in ${HW7_PYTHON:+"$HW7_PYTHON"} "$here/.venv/bin/python" "$here/.venv/Scripts/python.exe" python3 python; do
    if "$python" -c 'import filelock, huggingface_hub, platformdirs, tqdm' 2>/dev/null; then
        exec "$python" -m hw7.cli download "$@"
    fi
done
echo "error: no Python with huggingface_hub. Type: pip install huggingface_hub platformdirs" >&2
exit 9
