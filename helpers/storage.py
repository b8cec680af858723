"""Save, load and fingerprint explanations."""

import hashlib
import json
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.errors import HomeworkError

if TYPE_CHECKING:
    from helpers.explanation import Explanation

_FACTS = "explanation.json"
_FORMAT = "hw7-explanation-1"


def facts_of(explanation: "Explanation") -> dict[str, Any]:
    """Return what identifies an explanation, without its scores."""
    return {
        "format": _FORMAT,
        "input_text": explanation.input_text,
        "generated_text": explanation.generated_text,
        "model_name": explanation.model_name,
        "score": explanation.score,
        "is_translation": explanation.is_translation,
        "methods": explanation.methods,
    }


def digest_of(explanation: "Explanation") -> str:
    """Return a SHA-256 over model, texts, tokens and scores rounded to three decimals."""
    content = facts_of(explanation)
    for method in explanation.methods:
        scores = explanation.table(method)
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
    return hashlib.sha256(text.encode()).hexdigest()


def save_explanation(explanation: "Explanation", path: str | Path) -> None:
    """Write a zip that holds the facts and, for each method, Inseq's own JSON file."""
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.writestr(_FACTS, json.dumps(facts_of(explanation), ensure_ascii=False, indent=2))
        for method in explanation.methods:
            file = Path(folder) / f"{method}.json"
            explanation.attribution(method).save(file)
            archive.write(file, file.name)


def load_explanation(path: str | Path) -> "Explanation":
    """Read what ``save_explanation`` wrote.

    Raises:
        HomeworkError: The file is missing, or is not an explanation.
    """
    from inseq import FeatureAttributionOutput

    from helpers.explanation import Explanation

    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            facts = json.loads(archive.read(_FACTS))
            if facts.pop("format") != _FORMAT:
                raise KeyError("format")
            attributions = {}
            for method in facts.pop("methods"):
                file = Path(folder) / "attribution.json"
                file.write_bytes(archive.read(f"{method}.json"))
                attributions[method] = FeatureAttributionOutput.load(file)
    except (OSError, zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise HomeworkError(
            f"{Path(path).name} is not a saved explanation ({type(error).__name__}). "
            "Give a file that explanation.save(...) wrote."
        ) from error
    return Explanation(attributions=attributions, **facts)
