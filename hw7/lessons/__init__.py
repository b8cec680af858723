"""What notebooks 04 and 05 are made of, and the explorer; imported when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hw7.lessons.explorer.explorer import explore
    from hw7.lessons.published import compare_with_published, published_scores, show_published

__all__ = ["compare_with_published", "explore", "published_scores", "show_published"]

_HOME_OF = {
    "explore": "hw7.lessons.explorer.explorer",
    "published_scores": "hw7.lessons.published",
    "show_published": "hw7.lessons.published",
    "compare_with_published": "hw7.lessons.published",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {__all__}")
    return getattr(import_module(_HOME_OF[name]), name)
