"""What is wrong with a file of Python, said before it is imported."""

import sys

import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.modules import PACKAGE, check_function, check_module, import_modules, read_module

SIGNATURES = """
def one(job): ...
def two(classifier, below, layers="all"): ...
def named(classifier, *, below, **others): ...
def any_number(*values): ...
made = print
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Have the package lie in a folder of the test, with one module, `part/toy.py`."""
    folder = tmp_path / PACKAGE.name
    (folder / "part").mkdir(parents=True)
    monkeypatch.setattr("filterfreq.runtime.modules.PACKAGE", folder)
    monkeypatch.delitem(sys.modules, "toy", raising=False)

    def write(text: str):
        file = folder / "part" / "toy.py"
        file.write_text(text)
        return file

    yield write
    sys.modules.pop("toy", None)


def refusal(function, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "positional", "by_name"),
    [
        ("one", ["job"], {}),
        ("two", ["classifier"], {"below": True, "layers": False}),
        ("two", ["classifier"], {"below": True}),
        ("named", ["classifier"], {"below": True, "more": False}),
        ("any_number", ["a", "b", "c"], {}),
        ("made", ["whatever"], {}),
    ],
)
def test_a_function_that_takes_what_it_is_given_is_there(module, name, positional, by_name):
    file = module(SIGNATURES)
    assert check_function(f"filterfreq.part.toy:{name}", positional, by_name) == file
    assert "filterfreq.part.toy" not in sys.modules


@pytest.mark.parametrize(
    ("reference", "positional", "by_name", "said"),
    [
        ("filterfreq.part.tyo:one", ["job"], {}, "there is no file part/tyo.py, which 'filterfreq.part.tyo:one' names"),
        ("filterfreq.part.toy:oen", ["job"], {}, "there is no function oen in part/toy.py, which"),
        ("filterfreq.part.toy.one", ["job"], {}, "'filterfreq.part.toy.one' names no function: write it as"),
        ("torch.nn:Linear", ["job"], {}, "'torch.nn:Linear' names no function"),
        (None, ["job"], {}, "None names no function"),
        (
            "filterfreq.part.toy:one",
            ["study", "dataset"],
            {},
            "part/toy.py, line 2: the function is called as one(study, dataset) and takes (job): make it take what",
        ),
        ("filterfreq.part.toy:two", ["classifier"], {}, "two(classifier) and takes (classifier, below, layers='all')"),
        ("filterfreq.part.toy:two", ["classifier"], {"belwo": True}, "two(classifier, belwo=...) and takes"),
        (
            "filterfreq.part.toy:two",
            ["classifier"],
            {"below": False},
            "part/toy.py, line 3: below is not always given: give it a default, or list it under required",
        ),
        ("filterfreq.part.toy:named", ["a", "b"], {"below": True}, "named(a, b, below=...) and takes"),
    ],
)
def test_a_function_that_cannot_be_called_so_is_refused(module, reference, positional, by_name, said):
    module(SIGNATURES)
    assert said in refusal(check_function, reference, positional, by_name)


@pytest.mark.parametrize(
    "text",
    [
        "import os.path as path\nx: int = 1\nfor i in range(3):\n    print(i, x, path)\n",
        "try:\n    import torch\nexcept ImportError:\n    torch = None\ndef f():\n    return torch, __name__, f\n",
        "with open(__file__) as file:\n    text = [line for line in file]\na, (b, *c) = text, (1, 2)\nprint(a, b, c)\n",
        "def f():\n    def g():\n        return later\n    return g\nif (later := 1):\n    pass\n",
        "def f():\n    global count\n    count = 1\ndef g():\n    return count\n",
        "class A:\n    y = 1\n    def f(self):\n        return A.y, [z for z in 'a']\n",
    ],
)
def test_what_python_runs_is_not_refused(module, text):
    check_module(module(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(:\n    pass\n", "part/toy.py, line 1, is no Python (invalid syntax): correct it"),
        ("x = 1\0\n", "part/toy.py is no Python (source code string cannot contain null bytes): correct it"),
        ("def f():\n    return mean(1)\n", "part/toy.py uses mean and has no such name: define or import it"),
        ("@styled\ndef f(): ...\n", "part/toy.py uses styled and has no such name"),
        ("from filterfreq.part.other import f\n", "part/toy.py, line 1: there is no module filterfreq.part.other"),
        ("\nfrom filterfreq.part.toy import f as g\n", "part/toy.py, line 2: unknown name in filterfreq.part.toy 'f'"),
    ],
)
def test_what_python_would_fail_at_is_one_sentence(module, text, said):
    assert refusal(check_module, module(text)).startswith(said)


def test_a_file_that_is_no_text_is_one_sentence(module):
    file = module("")
    file.write_bytes(b"x = '\xff'")
    assert refusal(check_module, file).startswith("part/toy.py is no Python ('utf-8' codec can't decode byte 0xff")


def test_imports_are_found_wherever_they_stand(module):
    file = module(
        "import a.b\ndef f():\n    from c import d\n    try:\n        import e\n    finally:\n        import g\n"
        "class A:\n    import h\nmatch 1:\n    case _:\n        import i\n"
    )
    assert read_module(file).imported == {"a.b", "c", "c.d", "e", "g", "h", "i"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = dict(\n", "part/toy.py, line 1, is no Python ('(' was never closed): correct it"),
        ("x = 1\ny = dict(x)\n", "part/toy.py, line 2: TypeError: 'int' object is not iterable: correct it"),
        (
            "class Suite:\n    def __init__(self, types): ...\nSuite(typs={})\n",
            "part/toy.py, line 3: Suite has no field 'typs': correct its name",
        ),
        (
            "from filterfreq.nowhere import x\n",
            "part/toy.py, line 1: ModuleNotFoundError: No module named 'filterfreq.no",
        ),
    ],
)
def test_a_registry_that_fails_is_one_sentence(module, monkeypatch, text, said):
    monkeypatch.syspath_prepend(module(text).parent)
    assert refusal(import_modules, ["toy"]).startswith(said)


def test_a_library_that_is_missing_is_no_fault_of_the_file(module, monkeypatch):
    monkeypatch.syspath_prepend(module("import no_such_library\n").parent)
    with pytest.raises(ModuleNotFoundError, match="no_such_library"):
        import_modules(["toy"])
