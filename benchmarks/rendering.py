"""How long a heatmap takes to become HTML, a picture, and pixels in a browser; how large it is.

Run::

    python -m benchmarks.rendering

Inseq's own HTML of the same explanation is measured beside it. The browser's time is measured
where Playwright and Chromium are installed: from opening the file to the drawn component.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from hw7.views.component import page_html
from hw7.views.picture_files import png_of
from tests.support.made_explanations import made_explanation, many_tokens

SIZES = (10, 60, 200)
REPETITIONS = 5


def seconds(work: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> float:
    """Return the median time of some repetitions, the first one (imports, caches) left out.

    Processor time, so that other programs on the machine do not count; a browser is a program of
    its own and needs the clock on the wall.
    """
    work()
    times = []
    for _ in range(REPETITIONS):
        started = clock()
        work()
        times.append(clock() - started)
    return statistics.median(times)


def inseq_html(explanation: Any) -> str:
    """Return Inseq's own HTML of all methods."""
    outputs = [explanation.attribution(method) for method in explanation.methods]
    return "".join(
        output.show(display=False, return_html=True, do_aggregation=False) for output in outputs
    )


def browser_seconds(pages: dict[int, str]) -> dict[int, float]:
    """Return the time from opening each page to its drawn component; empty without a browser."""
    from tests.browser.conftest import _ARGUMENTS, chromium

    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("No browser time: Playwright is not installed (pip install playwright).")
        return {}
    if (path := chromium()) is None:
        print("No browser time: there is no Chromium (apt-get install chromium).")
        return {}
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        browser = driver.chromium.launch(executable_path=path, args=_ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})

        def draw(file: Path) -> None:
            page.goto(file.as_uri())
            page.wait_for_selector(".hw7[data-ready]")
            # Two frames later everything is painted.
            page.evaluate(
                "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )

        times = {}
        for count, html in pages.items():
            file = Path(folder) / f"{count}.html"
            file.write_text(html, encoding="utf-8")
            times[count] = seconds(lambda file=file: draw(file), time.perf_counter)
        browser.close()
    return times


def main() -> None:
    """Measure and print one line for each size."""
    pages, lines = {}, {}
    for count in SIZES:
        tokens = many_tokens(count)
        explanation = made_explanation(tokens, tokens)
        html = explanation.html()
        pages[count] = page_html("heatmap", html)
        theirs = inseq_html(explanation)
        lines[count] = (
            f"{count:>4} × {count:<4}"
            f"{seconds(lambda e=explanation: e.html()):8.2f} s"
            f"{seconds(lambda e=explanation: e.html(picture=False)):8.2f} s"
            f"{seconds(lambda e=explanation: png_of(e.plot(), dpi=90)):8.2f} s"
            f"{seconds(lambda e=explanation: inseq_html(e)):8.2f} s"
            f"{len(html.encode()) / 1000:9.0f} kB{len(theirs.encode()) / 1000:9.0f} kB"
        )
    times = browser_seconds(pages)
    print("two methods     HTML  no picture   PNG  Inseq's HTML   size  Inseq's size   browser")
    for count, line in lines.items():
        drawn = f"{times[count]:8.2f} s" if count in times else "       -"
        print(line + drawn)


if __name__ == "__main__":
    main()
