"""The heatmap and the explorer in a real JupyterLab with a real kernel."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.browser.axe import violations

PROJECT = Path(__file__).resolve().parents[2]
HEATMAP = """\
from tests.support.made_explanations import HOSTILE, made_explanation
made_explanation(HOSTILE, HOSTILE).show()"""
EXPLORER = """\
import warnings; warnings.filterwarnings("ignore")
from tests.support.random_models import random_model, random_text
from hw7.lessons import explore
explorer = explore(random_model("marian"), folder="exports", language="en")
explorer.form.text.value = random_text(4)
explorer.form.target.value = "w1 w2 w3"  # every token once, so that none is ambiguous
explorer"""
PATIENCE = 180_000  # milliseconds; a kernel that imports torch on a busy machine


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"JupyterLab ended with code {server.returncode}")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail("JupyterLab did not answer")


def write_notebook(cells: list, path: Path) -> None:
    kernel = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab of its own: its address and its folder."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: pip install jupyterlab")
    folder = tmp_path_factory.mktemp("lab")
    (folder / "work" / "exports").mkdir(parents=True)
    port = free_port()
    homes = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    environment = {
        **os.environ,
        **homes,
        "PYTHONPATH": str(PROJECT),
        "OMP_NUM_THREADS": "1",
        "TQDM_DISABLE": "1",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    command += [
        f"--port={port}",
        "--allow-root",
        "--IdentityProvider.token=",
        "--expose-app-in-browser",
    ]
    command += ["--LabApp.news_url=", f"--ServerApp.root_dir={folder / 'work'}"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/api", server)
            yield f"http://127.0.0.1:{port}", folder / "work"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@pytest.fixture(scope="module")
def notebook(browser, lab) -> Iterator:
    """A notebook with a heatmap and an explorer, executed in JupyterLab."""
    address, folder = lab
    cells = [nbformat.v4.new_code_cell(source) for source in (HEATMAP, EXPLORER, "1 + 1")]
    write_notebook(cells, folder / "test.ipynb")
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.errors = []
    page.on("dialog", lambda dialog: (page.errors.append(dialog.message), dialog.dismiss()))
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/lab/tree/test.ipynb?reset")
    page.locator(".jp-Notebook .jp-CodeCell").nth(2).wait_for()
    page.wait_for_function(
        "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.connectionStatus"
        " === 'connected'"
    )
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    page.locator(".hw7-explorer").wait_for()
    yield page
    context.close()


def run_cell(page, source: str) -> str:
    """Run a line in the kernel of the notebook and return what it prints."""
    return page.evaluate(
        """async (code) => {
            const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const future = kernel.requestExecute({ code });
            let text = "";
            future.onIOPub = (message) => {
                text += message.content.text || (message.content.traceback || []).join("\\n");
            };
            await future.done;
            return text;
        }""",
        source,
    )


def explorer_of(page):
    return page.locator(".hw7-explorer").first


def run_explorer(page) -> None:
    # The "done" of the last run must not be taken for this one's.
    run_cell(page, "explorer.status.clear()")
    explorer_of(page).locator(".hw7-message", has_text="done").first.wait_for(state="hidden")
    explorer_of(page).get_by_role("button", name="Run").click()
    explorer_of(page).locator(".hw7-message", has_text="done").first.wait_for()


def open_tab(page, name: str) -> None:
    explorer_of(page).get_by_role("tab", name=name).first.click()


def test_the_heatmap_starts_and_shows_hostile_tokens_as_text(notebook):
    shown = notebook.locator(".jp-OutputArea .hw7[data-ready]").first
    assert "<script>alert(1)</script>" in shown.inner_text()
    assert shown.locator("img:visible").count() == 0
    assert notebook.errors == []


def test_hover_and_pin_work_beside_the_shortcuts_of_jupyterlab(notebook):
    shown = notebook.locator(".jp-OutputArea .hw7[data-ready]").first
    shown.locator(".hw7-token").nth(1).hover()
    assert "onerror=alert(2)" in shown.locator(".hw7-state").first.inner_text()
    shown.locator(".hw7-frame").first.focus()
    cells = notebook.locator(".jp-CodeCell").count()
    for key in ("ArrowDown", "ArrowRight", "Enter"):
        notebook.keyboard.press(key)
    assert "pinned" in shown.locator(".hw7-state").first.inner_text()
    assert notebook.locator(".jp-CodeCell").count() == cells
    notebook.keyboard.press("Escape")


def test_the_theme_follows_jupyterlab(notebook):
    shown = notebook.locator(".jp-OutputArea .hw7[data-ready]").first
    assert shown.get_attribute("data-theme") == "light"
    change = "name => jupyterapp.commands.execute('apputils:change-theme', { theme: name })"
    notebook.evaluate(change, "JupyterLab Dark")
    notebook.locator('.hw7[data-theme="dark"]').first.wait_for()
    notebook.evaluate(change, "JupyterLab Light")
    notebook.locator('.hw7[data-theme="light"]').first.wait_for()


def test_the_explorer_runs_and_shows_a_working_heatmap(notebook):
    run_explorer(notebook)
    shown = explorer_of(notebook).locator(".hw7[data-ready]").first
    shown.wait_for()
    shown.locator(".hw7-line").nth(1).locator(".hw7-token").first.hover()
    assert "←" in shown.locator(".hw7-state").first.inner_text()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_nothing_on_the_explorer(notebook, theme):
    change = "name => jupyterapp.commands.execute('apputils:change-theme', { theme: name })"
    notebook.evaluate(change, theme)
    run_explorer(notebook)
    notebook.locator(f'.hw7[data-theme="{theme.split()[1].lower()}"]').first.wait_for()
    assert violations(notebook, ".hw7-explorer") == []
    notebook.evaluate(change, "JupyterLab Light")


def test_the_explorer_answers_how_important_x_was_for_y(notebook):
    run_explorer(notebook)
    code = (
        "scores = explorer.explanation.table('saliency');"
        "at = [list(names).index(next(n for n in names if list(names).count(n) == 1))"
        " for names in (scores.index, scores.columns)];"
        "print(scores.index[at[0]], scores.columns[at[1]], f'{scores.iat[at[0], at[1]]:.3f}')"
    )
    source, generated, score = run_cell(notebook, code).split()
    open_tab(notebook, "look up")
    explorer = explorer_of(notebook)
    explorer.get_by_label("Source X").fill(source)
    explorer.get_by_label("Generated Y").fill(generated)
    explorer.get_by_role("button", name="look up").click()
    explorer.locator(".hw7-message", has_text=f"= {score}").first.wait_for()


def test_the_explorer_writes_files(notebook, lab):
    run_explorer(notebook)
    open_tab(notebook, "export")
    for name in ("HTML", "PNG", "CSV", "Inseq JSON"):
        explorer_of(notebook).get_by_role("button", name=name).click()
        ending = "json" if "JSON" in name else name.lower()
        explorer_of(notebook).locator(".hw7-message", has_text=f".{ending}").first.wait_for()
    endings = {file.suffix for file in (lab[1] / "exports").iterdir()}
    assert endings == {".html", ".png", ".csv", ".json"}


def test_the_explorer_compares_runs(notebook):
    run_explorer(notebook)
    run_explorer(notebook)
    open_tab(notebook, "history")
    explorer_of(notebook).get_by_role("button", name="compare").click()
    compared = explorer_of(notebook).locator(".hw7[data-ready]:has(.hw7-noted)")
    compared.first.wait_for()


def test_errors_are_one_sentence_in_the_explorer(notebook):
    text = explorer_of(notebook).locator("textarea").first
    before = text.input_value()
    text.fill("<img src=x onerror=alert(3)>")
    explorer_of(notebook).get_by_role("button", name="Run").click()
    failed = explorer_of(notebook).locator(".hw7-message", has_text="does not know")
    failed.first.wait_for()
    assert explorer_of(notebook).locator(".hw7-message img").count() == 0
    text.fill(before)
    assert notebook.errors == []


def test_cancel_frees_the_explorer_and_never_blocks_the_kernel(notebook):
    run_cell(
        notebook,
        "explorer.form.methods['gradient_shap'].value = True;"
        "explorer.form.target.value = random_text(150)",
    )
    explorer = explorer_of(notebook)
    explorer.get_by_role("button", name="Run").click()
    explorer.locator(
        ".hw7-message", has_text=re.compile(r"(Running|Scoring|Writing).* s")
    ).first.wait_for()
    assert run_cell(notebook, "print(6 * 7)").strip() == "42"  # while the run goes on
    assert run_cell(notebook, "print(explorer._run.is_running)").strip() == "True"
    explorer.get_by_role("button", name="Cancel").click()
    explorer.locator(".hw7-message", has_text="cancelled").first.wait_for()
    assert run_cell(notebook, "print(explorer._run.is_running)").strip() == "False"
    run_cell(
        notebook,
        "explorer.form.methods['gradient_shap'].value = False;"
        "explorer.form.target.value = 'w1 w2 w3'",
    )
    run_explorer(notebook)


def test_the_heatmap_lives_on_without_a_kernel_and_is_stored_with_its_facts(notebook, lab):
    notebook.evaluate("jupyterapp.commands.execute('docmanager:save')")
    notebook.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    shown = notebook.locator(".jp-OutputArea .hw7[data-ready]").first
    shown.locator(".hw7-token").nth(0).hover()
    assert "→" in shown.locator(".hw7-state").first.inner_text()
    stored = json.loads((lab[1] / "test.ipynb").read_text(encoding="utf-8"))
    (output,) = stored["cells"][0]["outputs"]
    assert {"text/html", "text/plain"} <= set(output["data"])


def test_an_untrusted_notebook_still_shows_the_facts(browser, lab):
    address, folder = lab
    from tests.support.made_explanations import made_explanation

    cell = nbformat.v4.new_code_cell("explanation.show()", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("display_data", data=made_explanation().bundle())]
    write_notebook([cell], folder / "stranger.ipynb")
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}/lab/tree/stranger.ipynb?reset")
    static = page.locator(".jp-OutputArea pre", has_text="saliency: I ←")
    static.first.wait_for()
    assert page.locator(".hw7[data-ready]").count() == 0
    page.close()
