"""The homework kit around ``helpers``: one room for each kind of reader.

- ``hw7.cli``: the command ``hw7``
- ``hw7.course``: instructors' questions, sheets, keys, grading, reports, release; on ``helpers``
- ``hw7.lessons``: notebooks 04 and 05, and the explorer; on ``helpers`` and ``hw7.views``
- ``helpers``: what students call: load, generate, explain, look up, show; on the four below
- ``hw7.engine``: exact scores from shared passes; a leaf
- ``hw7.views``: a sheet of numbers as HTML, PNG and SVG; a leaf
- ``hw7.fetch``: model files onto this machine, complete and checked; a leaf
- ``hw7.text``: what a model reads and writes, checked against its limits, in its chat template,
  and as words, sentences and turns; a leaf
"""

from importlib.util import find_spec
from pathlib import Path


def foreign_file(package: str) -> str | None:
    """Return the file that is imported instead of a package of the kit, or None.

    A ``helpers.py`` beside a notebook, or somebody else's ``helpers``, stands before the kit's.
    """
    spec = find_spec(package)
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    found = next((place for place in places if place), None)
    own = Path(__file__).resolve().parent.parent / package
    is_own = found is None or Path(found).resolve() in (own, own / "__init__.py")
    return None if is_own else found


if _found := foreign_file("helpers"):
    raise ImportError(
        f"{_found} is not the homework kit's helpers, and stands before it. Rename that file or "
        "folder, then restart the kernel."
    )
