"""What tables and figures say of themselves."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from filterfreq.publishing import registry
from filterfreq.publishing.registry import Product, ProductFile, read_products
from filterfreq.runtime.errors import InputError

KNOWN = {
    "suite": ["clean", "corruption"],
    "parameter": ["labels", "baseline", "extent"],
    "kind of input": ["results", "history", "nothing"],
    "condition": ["trained"],
}
FIGURE = '''"""Accuracy on *{dataset}*.

Of experiment {experiment}.
"""

from filterfreq.publishing.registry import Product

PRODUCT = Product(title="Accuracy", needs=["clean"], adds=["corruption", "claimed"], takes=["labels"], when="trained")


def draw(results, labels):
    raise AssertionError("a label is read without importing its file")
'''


PRODUCTS = read_products()


@pytest.fixture
def write(tmp_path):
    """Write a figure, and read it."""

    def read(text: str, name: str = "toy") -> dict[str, ProductFile]:
        (tmp_path / "figures").mkdir()
        (tmp_path / "figures" / "__init__.py").touch()
        (tmp_path / "figures" / f"{name}.py").write_text(text)
        return read_products(KNOWN, tmp_path)

    return read


def test_a_label_is_read_and_nothing_is_imported(write):
    label = Product(title="Accuracy", needs=["clean"], adds=["corruption", "claimed"], takes=["labels"], when="trained")
    product = ProductFile("figure", "toy", "Accuracy on *{dataset}*. Of experiment {experiment}.", label)
    assert write(FIGURE) == {"figure_toy": product}
    assert product.module == "filterfreq.publishing.figures.toy"
    assert label.shows == ("clean", "corruption", "claimed")
    assert (label.reads, label.over, label.note) == ("results", "dataset", "extent")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('needs=["clean"]', 'needs=["claen"]', "unknown suite 'claen': did you mean 'clean'?"),
        (
            'takes=["labels"]',
            'takes=["label"]',
            "draw has the parameters labels after what is read, and the label takes",
        ),
        (
            "(results, labels)",
            "(results)",
            "draw has the parameters none after what is read, and the label takes labels",
        ),
        ('takes=["labels"]', 'takes=["labels"], note="epsilons"', "unknown parameter 'epsilons': choose one of labels"),
        ('when="trained"', 'when="swept"', "unknown condition 'swept'"),
        ('when="trained"', 'over="model"', "unknown value of over 'model': choose one of dataset, experiment"),
        ('when="trained"', 'over="fit"', 'fits are shown one by one: write both reads="fits" and over="fit"'),
        ('when="trained"', 'reads="fits"', 'fits are shown one by one: write both reads="fits" and over="fit"'),
        (
            'when="trained"',
            'over="detection"',
            'detections are shown one by one: write both reads="detections" and over=',
        ),
        ('when="trained"', 'over="experiment"', "the caption has braces that are not {experiment}: leave them out"),
        ('when="trained"', 'reads="history"', r"it reads history: write a function read\(files\)"),
        ('when="trained"', 'reads="images"', r"it reads images: write a function read\(files\)"),
        ('when="trained"', 'reads="nothing"', "draw has the parameters results, labels, and the label takes labels"),
        ("def draw(results", "def read(files):\n    pass\n\n\ndef draw(results", None),
        ('when="trained"', 'wehn="trained"', "unknown key of the label 'wehn': did you mean 'when'?"),
        ('needs=["clean"]', 'needs="clean"', "needs is 'clean', write a list of texts"),
        ('needs=["clean"]', 'needs=("clean",)', None),
        ('title="Accuracy"', "title=3", "title is 3, write a text"),
        ('title="Accuracy", ', "", "the label has no title, write one"),
        ('needs=["clean"]', "needs=SUITES", r"write the label as PRODUCT = Product\(title=..., needs="),
        ("PRODUCT =", "LABEL =", r"write the label as PRODUCT = Product\(title=..., needs="),
        ("def draw(", "def tabulate(", "it has no function draw: write one"),
        ("*{dataset}*", "*{model}*", "the caption has braces that are not {dataset} or {experiment}: leave them out"),
        ("*{dataset}*", "{", "the caption has braces that are not"),
        ('"""Accuracy on', 'CAPTION = """Accuracy on', "it has no docstring: write its caption there"),
        (
            'needs=["clean"], adds=["corruption", "claimed"], ',
            "",
            "it reads results and needs none: name the suites in needs that it cannot do without",
        ),
        (
            'needs=["clean"], adds=["corruption", "claimed"], takes=["labels"], when="trained"',
            'takes=["labels"], reads="fits", over="fit"',
            "it reads fits and needs none: name the kinds of fit in needs",
        ),
    ],
)
def test_a_bad_label_is_one_sentence_that_names_the_file(write, old, new, sentence):
    assert old in FIGURE
    text = FIGURE.replace(old, new, 1)
    if sentence is None:
        assert write(text)
    else:
        with pytest.raises(InputError, match=rf"^publishing/figures/toy\.py: {sentence}"):
            write(text)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("def draw", "draw", "line 11, is no Python (invalid syntax): correct it"),
        ("raise", "return mean(results); raise", " uses mean and has no such name: define or import it"),
        ("import Product", "import Prodcut", "line 6: unknown name in filterfreq.publishing.registry 'Prodcut'"),
        ("publishing.registry", "publishing.labels", "line 6: there is no module filterfreq.publishing.labels"),
    ],
)
def test_a_file_that_could_not_run_is_refused(write, old, new, sentence):
    with pytest.raises(InputError) as caught:
        write(FIGURE.replace(old, new, 1))
    assert "/figures/toy.py" in str(caught.value)
    assert sentence in str(caught.value)


def test_a_file_that_no_module_can_be_named_like(write):
    with pytest.raises(InputError, match=r"^publishing/figures/to-y\.py: a module cannot have this name"):
        write(FIGURE, "to-y")


def test_there_is_a_product_for_each_file():
    folder = Path(registry.__file__).parent
    files = [file for kind in ("tables", "figures") for file in (folder / kind).glob("*.py")]
    assert len(PRODUCTS) == len(files) - 2
    assert {"table_main", "figure_samples"} <= set(PRODUCTS)


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_every_label_is_what_its_module_has_and_fits_its_function(product):
    module = import_module(product.module)
    assert product.label == module.PRODUCT
    function = module.tabulate if product.kind == "table" else module.draw
    taken = [*inspect.signature(function).parameters]
    if product.label.reads != "nothing":
        assert taken.pop(0) not in product.label.takes
    assert set(taken) == set(product.label.takes)
    assert hasattr(module, "read") is (product.label.reads not in ("results", "nothing"))
