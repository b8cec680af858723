"""One progress bar for all long work, silenced where a page is stored."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_bar(total: int, description: str, *, is_shown: bool = True) -> "tqdm[Any]":
    """Return tqdm's bar for this front end; it goes away when the work is done.

    ``TQDM_DISABLE=1`` silences it. tqdm's own notebook bar does not look at that variable, and a
    stored notebook would keep the bar as an output.
    """
    from tqdm.auto import tqdm

    is_silenced = os.environ.get("TQDM_DISABLE", "0") not in ("", "0")
    return tqdm(total=total, desc=description, leave=False, disable=is_silenced or not is_shown)
