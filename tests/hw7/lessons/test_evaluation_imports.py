"""The evaluation package is cheap to import, and its names are what they say."""

import pkgutil
import subprocess
import sys

import hw7.lessons.which_method


def test_importing_the_package_loads_no_heavy_library():
    heavy = {"torch", "transformers", "inseq", "scipy", "sklearn", "pandas"}
    code = f"import sys, hw7.lessons.which_method; sys.exit(bool({heavy!r} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_exported_name_is_hidden_by_a_module_of_the_same_name():
    modules = {module.name for module in pkgutil.iter_modules(hw7.lessons.which_method.__path__)}
    assert not modules & set(hw7.lessons.which_method.__all__)


def test_every_exported_name_can_be_imported():
    for name in hw7.lessons.which_method.__all__:
        assert getattr(hw7.lessons.which_method, name) is not None


def test_an_unknown_name_lists_those_there_are():
    try:
        hw7.lessons.which_method.nothing  # noqa: B018  # the look-up itself is the test
    except AttributeError as error:
        assert "compare_methods" in str(error)
    else:
        raise AssertionError("an unknown name was found")
