"""What is shown in a notebook, and what in a plain script."""

import base64
import io
import re
import subprocess
import sys
from dataclasses import replace

import IPython
import pytest
from fontTools.ttLib import TTFont

from hw7.views.component import sheet_html, show_bundle
from tests.support.made_explanations import made_explanation

BUNDLE = {"text/html": "<b>heatmap</b>", "text/plain": "machine ← 机器"}


def test_a_plain_script_prints_the_text_alone(capsys):
    assert IPython.get_ipython() is None
    show_bundle(BUNDLE)
    assert capsys.readouterr().out == "machine ← 机器\n"


@pytest.mark.parametrize("kind", ["text/html", "text/plain"])
def test_a_shell_is_given_every_kind(kind):
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "from IPython.utils.capture import capture_output\n"
        "from hw7.views.component import show_bundle\n"
        "InteractiveShell.instance()\n"
        "with capture_output() as shown:\n"
        f"    show_bundle({BUNDLE!r})\n"
        f"print(ascii(shown.outputs[0].data[{kind!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip().splitlines()[-1] == ascii(BUNDLE[kind])


def test_a_page_brings_the_chinese_characters_of_its_notes():
    sheet = replace(made_explanation(["a"], ["b"]).sheet(), notes=["后面还没写完"])
    encoded = re.search(r"data:font/woff;base64,([^)]+)", sheet_html(sheet, "", picture=False))[1]
    font = TTFont(io.BytesIO(base64.b64decode(encoded)))
    assert set(map(chr, font.getBestCmap())) >= {*"后面还没写完"}
