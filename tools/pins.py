"""Compare an environment with the pins: ``python -m tools.pins``, which ends ``make install``.

pip takes them from constraints.txt, uv from uv.lock; ``make constraints`` writes both.
"""

import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"
REMEDY = "Type: uv sync --extra test (or delete it, then: make install)"


def main() -> None:
    """Say which packages differ; exit with a sentence where the kit or a test tool is missing."""
    try:
        from packaging.requirements import Requirement

        needed = map(Requirement, metadata.requires("hw7-attribution-kit") or ())
        wanted = [n.name for n in needed if not n.marker or n.marker.evaluate({"extra": "test"})]
        missing = [name for name in wanted if version_of(name) is None]
    except (ImportError, metadata.PackageNotFoundError):
        missing = ["hw7-attribution-kit"]
    if missing:
        sys.exit(f"{sys.prefix} lacks {', '.join(missing)}. {REMEDY}")
    if found := differences(CONSTRAINTS.read_text(encoding="utf-8").splitlines()):
        print(f"{sys.prefix} has other versions than the pinned ones: {', '.join(found)}.", REMEDY)


def differences(pins: Iterable[str]) -> list[str]:
    """Return what is installed in another version than its pin, as ``name found (pin)``.

    A local version is the pinned one, such as torch's build for the CPU.
    """
    from packaging.requirements import Requirement
    from packaging.version import Version

    found = []
    for pin in map(Requirement, pins):
        version = version_of(pin.name) if not pin.marker or pin.marker.evaluate() else None
        if version and Version(version).public not in pin.specifier:
            found.append(f"{pin.name} {version} ({pin.specifier})")
    return found


def version_of(name: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
