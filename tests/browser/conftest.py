"""A real browser for the tests: Debian's Chromium, driven by Playwright; without it they skip."""

import os
import shutil
from collections.abc import Iterator

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = [
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """The browser's path: ``HW7_CHROMIUM``, or the first one there is."""
    found = (shutil.which(name) for name in (os.environ.get("HW7_CHROMIUM", ""), *_NAMES) if name)
    return next((path for path in found if path), None)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install playwright"
    )
    path = chromium()
    if path is None:
        pytest.skip("There is no Chromium: apt-get install chromium, or set HW7_CHROMIUM")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


class Watched:
    """A page together with everything that went wrong in it and everything it asked for."""

    def __init__(self, page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._refuse)
        page.on("request", lambda request: self.requests.append(request.url))

    def _refuse(self, dialog) -> None:
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture
def open_page(browser, tmp_path) -> Iterator:
    """Open HTML as a file of its own; afterwards nothing may have failed or been fetched."""
    opened: list[Watched] = []
    contexts = []

    def open_html(
        html: str, *, width: int = 1280, scheme: str = "light", scripts: bool = True, **settings
    ):
        file = tmp_path / f"page{len(opened)}.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            offline=True,
            **settings,
        )
        contexts.append(context)
        watched = Watched(context.new_page())
        opened.append(watched)
        watched.page.goto(file.as_uri())
        return watched.page

    yield open_html
    for watched in opened:
        assert watched.errors == []
        assert [url for url in watched.requests if not url.startswith(("file:", "data:"))] == []
    for context in contexts:
        context.close()
