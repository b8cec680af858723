"""The evaluation package is cheap to import, and its names are what they say."""

import pkgutil
import subprocess
import sys

import helpers.evaluation


def test_importing_the_package_loads_no_heavy_library():
    heavy = {"torch", "transformers", "inseq", "scipy", "sklearn", "pandas"}
    code = f"import sys, helpers.evaluation; sys.exit(bool({heavy!r} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_exported_name_is_hidden_by_a_module_of_the_same_name():
    modules = {module.name for module in pkgutil.iter_modules(helpers.evaluation.__path__)}
    assert not modules & set(helpers.evaluation.__all__)


def test_every_exported_name_can_be_imported():
    for name in helpers.evaluation.__all__:
        assert getattr(helpers.evaluation, name) is not None


def test_an_unknown_name_lists_those_there_are():
    try:
        helpers.evaluation.nothing  # noqa: B018  # the look-up itself is the test
    except AttributeError as error:
        assert "compare_methods" in str(error)
    else:
        raise AssertionError("an unknown name was found")
