"""Files of explanations, a zip of texts and of Inseq's own JSON files, and their fingerprints."""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pandas
    from inseq import FeatureAttributionOutput

FORMAT = "hw7-explanation-1"
_ORIGIN = "explanation.json"

Made = TypeVar("Made")


def digest_of(origin: Mapping[str, Any], tables: "Mapping[str, pandas.DataFrame]") -> str:
    """Return a SHA-256 over texts, tokens and scores `[source, generated]` to three decimals."""
    content = dict(origin)
    for method, scores in tables.items():
        content[method] = {
            "source": list(scores.index),
            "generated": list(scores.columns),
            # Rounding hides what differs between processors; adding 0 turns -0.0 into 0.0.
            "scores": [
                [None if score != score else round(score, 3) + 0 for score in row]
                for row in scores.to_numpy().tolist()
            ],
        }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    # Half a character, which a text from elsewhere may hold, has no bytes in UTF-8.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def write_scores(
    path: str | Path,
    origin: Mapping[str, Any],
    attributions: "Mapping[str, FeatureAttributionOutput]",
) -> None:
    """Write a zip that holds the origin and, for each method, Inseq's own JSON file.

    The same scores give the same bytes: the time of day and the seconds that it took are left out.

    Raises:
        OSError: There is no such folder, or it cannot be written to; the message says what to do.
    """
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            _write(archive, _ORIGIN, json.dumps(origin, indent=2).encode())
            for method, output in attributions.items():
                file = Path(folder) / f"{method}.json"
                info = {name: output.info[name] for name in output.info if name != "exec_time"}
                replace(output, info=info).save(file)
                _write(archive, file.name, file.read_bytes())
    except OSError as error:
        raise OSError(
            f"{str(path)!r} cannot be written ({error.strerror}). Give a file in a folder that "
            "is there, for example explanation.save('explanation.zip')."
        ) from error


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def read_scores(
    path: str | Path,
    make: "Callable[[dict[str, FeatureAttributionOutput], dict[str, Any]], Made]",
) -> Made:
    """Return what is made of the outputs, by method, and the texts that ``write_scores`` wrote.

    Raises:
        ValueError: The file is missing, is not an explanation, or nothing can be made of it.
    """
    from inseq import FeatureAttributionOutput

    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            origin = json.loads(archive.read(_ORIGIN))
            if origin.pop("format") != FORMAT:
                raise KeyError("format")
            attributions = {}
            for method in origin.pop("methods"):
                file = Path(folder) / "attribution.json"
                file.write_bytes(archive.read(f"{method}.json"))
                attributions[method] = FeatureAttributionOutput.load(file)
        return make(attributions, origin)
    except Exception as error:  # whatever another file makes zipfile, json or Inseq raise
        raise ValueError(
            f"{Path(path).name} is not a saved explanation ({type(error).__name__}). "
            "Give a file that explanation.save(...) wrote."
        ) from error
