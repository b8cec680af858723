"""The list of wrong edits fits the code and the tests that there are; nothing is run."""

import ast
import re

from tools.mutants.__main__ import applied, load_mutants

MUTANTS = load_mutants()


def test_every_wrong_edit_applies_and_gives_python():
    for mutant in MUTANTS:
        wrong = applied(mutant)
        assert wrong is not None, f"{mutant.name}: `old` is not exactly once in {mutant.file}"
        ast.parse(wrong)
        assert mutant.old != mutant.new


def test_every_wrong_edit_names_tests_that_exist(project):
    for mutant in MUTANTS:
        for name in mutant.tests.split():
            file, _, test = name.partition("::")
            text = (project / file).read_text("utf-8")
            wanted = rf"^def {re.escape(test.partition('[')[0])}\(" if test else "^def test_"
            assert re.search(wanted, text, re.M), f"{mutant.name}: there is no {name}"


def test_wrong_edits_have_names_of_their_own():
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)
