"""Showing what a notebook stores by MIME type, wherever Python runs."""

from collections.abc import Mapping
from typing import Any


def show_bundle(bundle: Mapping[str, Any]) -> None:
    """Show a MIME bundle in a notebook; in a plain script, where nobody renders it, its text.

    Args:
        bundle: What is shown by MIME type, `text/plain` included.
    """
    from IPython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(bundle["text/plain"])
    else:
        display(dict(bundle), raw=True)
