"""``hw7 explain``: every text of a table, nothing computed twice, on any number of processes."""

import os
import shutil
import subprocess
import sys

import pandas
import pytest

from helpers import explain
from hw7.cli import main
from hw7.course.commands.explain import Text, dealt, distinct, read_texts
from tests.support.random_models import random_network, random_text, random_tokenizer

HEADER = "text,target\n"


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "tiny"
    random_network("gpt2").save_pretrained(folder)
    random_tokenizer(is_encoder_decoder=False).save_pretrained(folder)
    return folder


@pytest.fixture
def table(tmp_path):
    return written_table(tmp_path)


@pytest.fixture(scope="module")
def alone(tmp_path_factory, model_folder):
    """The folder that one run of one process writes for the table."""
    folder = tmp_path_factory.mktemp("alone")
    assert main(words(written_table(folder), model_folder, folder / "out")) == 0
    return folder / "out"


def written_table(folder):
    file = folder / "texts.csv"
    rows = [f"{random_text(length, seed=length)}," for length in (2, 7, 3, 5)]
    rows += ["w1 w2, w3", "w1 w2, w3"]
    file.write_text(HEADER + "\n".join(rows), encoding="utf-8")
    return file


def words(table, model_folder, output):
    return [
        "explain", str(table), "-o", str(output), "--model", str(model_folder),
        "--device", "cpu", "--max-new-tokens", "3",
    ]  # fmt: skip


def results(folder):
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in files}


def count_runs(monkeypatch):
    """Return a list that grows with every text that is explained."""
    runs = []

    def spy(model, text, **settings):
        runs.append(text)
        return explain(model, text, **settings)

    monkeypatch.setattr("helpers.explain", spy, raising=False)
    return runs


def test_every_text_has_a_page_and_all_its_scores(alone):
    found = results(alone)
    assert sorted(found) == [*(f"{number}.html" for number in range(1, 7)), "scores.csv"]
    scores = pandas.read_csv(alone / "scores.csv", encoding="utf-8-sig")
    assert list(scores["text"].unique()) == [1, 2, 3, 4, 5, 6]
    assert set(scores["method"]) == {"saliency", "attention"}
    totals = scores.groupby(["text", "method", "generated place"])["score"].sum()
    assert totals.sub(1).abs().max() < 1e-3  # six digits of each score
    assert "w3" in found["5.html"].decode()


def test_nothing_is_computed_twice(table, model_folder, tmp_path, monkeypatch):
    runs = count_runs(monkeypatch)
    out = tmp_path / "out"
    assert main(words(table, model_folder, out)) == 0
    assert len(runs) == len(set(runs)) == 5  # two rows are the same
    before = results(out)
    assert main(words(table, model_folder, out)) == 0
    assert len(runs) == 5
    assert results(out) == before


def test_a_stopped_run_goes_on_where_it_was(alone, table, model_folder, tmp_path, monkeypatch):
    runs = []

    def stop_at_the_third(model, text, **settings):
        if len(runs) == 2:
            raise KeyboardInterrupt
        runs.append(text)
        return explain(model, text, **settings)

    monkeypatch.setattr("helpers.explain", stop_at_the_third, raising=False)
    out = tmp_path / "out"
    assert main(words(table, model_folder, out)) == 130
    again = count_runs(monkeypatch)
    assert main(words(table, model_folder, out)) == 0
    assert len(again) == 3
    assert not set(again) & set(runs)
    assert results(out) == results(alone)


def test_explanation_that_is_not_whole_is_computed_anew(alone, table, model_folder, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(alone, out)
    broken = min((out / "explanations").iterdir())
    broken.write_bytes(broken.read_bytes()[:300])
    assert main(words(table, model_folder, out)) == 0
    assert results(out) == results(alone)


def test_other_settings_are_computed_anew(table, model_folder, tmp_path, monkeypatch):
    runs = count_runs(monkeypatch)
    out = tmp_path / "out"
    main([*words(table, model_folder, out), "--methods", "attention"])
    main([*words(table, model_folder, out), "--methods", "saliency"])
    assert len(runs) == 10
    scores = pandas.read_csv(out / "scores.csv", encoding="utf-8-sig")
    assert set(scores["method"]) == {"saliency"}


def test_refused_text_is_named_and_the_others_are_explained(table, model_folder, tmp_path, capsys):
    with table.open("a", encoding="utf-8") as file:
        file.write("\n" + random_text(300) + "," + f"\n{random_text(400)}," * 2)
    out = tmp_path / "out"
    assert main(words(table, model_folder, out)) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "text 7: The text has 300 tokens" in first
    assert "text 8: The text has 400 tokens" in second
    assert "6.html" in results(out)
    assert "7.html" not in results(out)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"sentence\nw1\n", "one column 'text', but has the columns: sentence"),
        (b"text;target\nw1;w2\n", "one column 'text', but has the columns: text;target"),
        (b"text,text\nw1,w2\n", "one column 'text', but has the columns: text, text"),
        (b"", "one column 'text', but has the columns: none"),
        (b"text,target\n\n", "no texts below"),
        (b"text\nw1\nw2, w3\n", "line 3: 2 cells, but 1 named"),
        (b'text\n"w1" w2\n', "cannot be read as CSV"),
        (b'text\n"w1\n', "cannot be read as CSV"),
        (b"text\n\xff\xfe\n", "cannot be read as CSV in UTF-8"),
        (None, "cannot be read as CSV"),
    ],
)
def test_file_that_is_no_table_is_refused_in_one_line(
    model_folder, tmp_path, capsys, content, said
):
    file = tmp_path / "texts.csv"
    if content is not None:
        file.write_bytes(content)
    assert main(words(file, model_folder, tmp_path / "out")) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_method_that_does_not_run_is_refused_once(table, model_folder, tmp_path, capsys):
    assert main([*words(table, model_folder, tmp_path / "out"), "--methods", "salency"]) == 1
    error = capsys.readouterr().err
    assert error.count("Did you mean 'saliency'?") == error.count("\n") == 1


def test_texts_are_read_as_they_are_written(tmp_path):
    long = "w1 " * 60_000
    rows = ["w1,w3", '"w1, ""w2"""', "w1,,", '"w1\nw2"', long, ",w3", "", "w9"]
    (tmp_path / "t.csv").write_text(" text ,target\n" + "\n".join(rows), encoding="utf-8")
    found = [(text.text, text.target) for text in read_texts(tmp_path / "t.csv", {})]
    texts = ["w1", 'w1, "w2"', "w1", "w1\nw2", long, "", "w9"]
    targets = ["w3", None, None, None, None, "w3", None]
    assert found == list(zip(texts, targets, strict=True))


def test_pages_are_those_of_the_table_as_it_is_now(table, model_folder, tmp_path):
    out = tmp_path / "out"
    assert main(words(table, model_folder, out)) == 0
    (out / "notes.html").write_text("mine")
    table.write_text(f"text\n{random_text(300)}\nw1 w2\n", encoding="utf-8")
    assert main(words(table, model_folder, out)) == 1
    assert sorted(results(out)) == ["2.html", "notes.html", "scores.csv"]
    table.write_text(f"text\n{random_text(300)}\n", encoding="utf-8")
    assert main(words(table, model_folder, out)) == 1
    assert sorted(results(out)) == ["notes.html"]


def test_chinese_table_with_and_without_a_mark_is_read(tmp_path):
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "t.csv").write_text("text\n我喜欢\nNA\n", encoding=encoding)
        assert [text.text for text in read_texts(tmp_path / "t.csv", {})] == ["我喜欢", "NA"]


def made(count):
    return [Text(n, "w" * n, None, f"{n:03}") for n in range(1, count + 1)]


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_each_process_gets_long_and_short_texts(processes):
    order = dealt(distinct(made(11)), processes)
    assert sorted(text.number for text in order) == list(range(1, 12))
    share, more = divmod(11, processes)
    start = 0
    for number in range(processes):
        end = start + share + (number < more)
        lengths = [len(text.text) for text in order[start:end]]
        assert lengths == [11 - place for place in range(11)][number::processes]
        start = end


def test_two_processes_give_the_bytes_of_one(alone, table, model_folder, tmp_path):
    shared = tmp_path / "shared"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "PYTHONPATH": "."}
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    launch += ["--main_process_port", "0", "-m", "hw7.cli"]
    done = subprocess.run(
        [*launch, *words(table, model_folder, shared)],
        capture_output=True, text=True, timeout=600, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("5 of them to explain") == 1
    assert results(shared) == results(alone)
    assert results(shared / "explanations") == results(alone / "explanations")
