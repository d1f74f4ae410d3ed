"""What is read cannot run code, write elsewhere or forge what is shown; docs/security.md names the other tests."""

import ast
import io
import re
from copy import deepcopy
from html import unescape
from pathlib import Path

import matplotlib.mathtext
import numpy as np
import pandas as pd
import pytest
import yaml

from filterfreq.data.registry import DATASETS, get_dataset
from filterfreq.data.shifted.registry import PUBLISHED_CORRUPTIONS, SHIFTED_SETS
from filterfreq.publishing.figures.samples import contact_sheet
from filterfreq.publishing.figures.scorecard import draw_scores
from filterfreq.publishing.style import add_legend, new_figure, variant_styles
from filterfreq.publishing.table import TextTable
from filterfreq.runtime import schemas
from filterfreq.runtime.errors import InputError
from filterfreq.study.claims_files import load_claims
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "schemas" / "config.schema.yaml"
CODE = [*(ROOT / "scripts").rglob("*.py")]

HOSTILE = [
    *("x;y", "$(touch pwned)", "`touch pwned`", 'it\'s "x"', "x y", "x\n", "x\x1b[2J"),
    *("../x", "/etc/x", "-x", ".x", "x%j", "ünïcode", ""),
]
# What may be any line of text: it is shown or opened, and names nothing.
FREE = {
    *("variants.plain.label", "variants.dct.label", "checkpoints.brought.label", "checkpoints.brought.path"),
    *("data.raw.cifar10", "data.shifted.others.path", "data.datasets.animals.path"),
    *("data.datasets.animals.train", "data.datasets.animals.test", "compute.scratch"),
}
CONFIG = """
experiments:
  demo: {datasets: [animals, cifar10], models: [resnet_8_2], variants: [plain, dct], seeds: [0], baseline: plain}
  others: {datasets: [animals], checkpoints: [brought]}
variants:
  plain: {label: Plain}
  dct: {label: DCT, decomposition: weight, penalty: {kind: highest, strength: 0.1, layers: all}}
checkpoints:
  brought:
    {source: file, path: brought.pt, architecture: resnet_8_2, normalisation: none, label: Brought, model: resnet_8_2}
training:
  default: {epochs: 1, batch_size: 8, optimizer: sgd, learning_rate: 0.1, weight_decay: 0, schedule: cosine}
  models: {resnet_8_2: {epochs: 2}}
  datasets: {animals: {epochs: 3}}
evaluation:
  batch_size: 8
  adversarial: {attacks: [{attack: fgsm, norm: linf, epsilons: [1/255]}]}
  autoattack: [{norm: linf, epsilons: [1/255], attacks: [apgd-ce]}]
  transfer: {source: plain, attacks: [{attack: fgsm, norm: linf, epsilons: [1/255]}]}
  out_of_distribution: {sets: [others]}
  datasets: {animals: {batch_size: 4}}
  perturbations: {attack: fgsm, norm: linf, epsilon: 1/255}
data:
  raw: {cifar10: raw}
  shifted: {others: {shift_of: animals, path: others}}
  datasets: {animals: {kind: imagefolder, path: animals, image_size: 32, train: train, test: test}}
compute:
  device: cpu
  scratch: $TMPDIR
  train: &resources {threads: 1, mem_mb: 1, runtime: 1}
  attack: *resources
  evaluate: *resources
  data: *resources
  publish: *resources
"""


def texts(value, path=()):
    """Every string of a config: the keys that lead to it, and whether it is a key itself."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), True
            yield from texts(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from texts(item, (*path, number))
    elif isinstance(value, str):
        yield path, False


def changed(config: dict, path: tuple, is_key: bool, text: str) -> dict:
    config = deepcopy(config)
    holder = config
    for key in path[:-1]:
        holder = holder[key]
    if is_key:
        holder[text] = holder.pop(path[-1])
    else:
        holder[path[-1]] = text
    return config


def refusal(config: dict) -> str | None:
    """Return the sentence that refuses a config, if one does."""
    try:
        Study(config, SCHEMA)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.slow
def test_no_text_of_the_config_names_a_file_a_job_or_a_target(monkeypatch):
    """Each of its strings is replaced by each hostile one: it is refused in a line a mistake, or may be any text."""
    config = yaml.safe_load(CONFIG)
    assert refusal(config) is None
    schema = yaml.safe_load(SCHEMA.read_text())
    monkeypatch.setattr(yaml, "safe_load", lambda text: schema)  # read once, it takes most of the time
    free = set()
    for path, is_key in texts(config):
        for text in HOSTILE:
            sentence = refusal(changed(config, path, is_key, text))
            if sentence is not None:
                assert all("\n" not in mistake for mistake in sentence.split(";\n")), (path, text)
                continue
            assert not is_key, (path, text)
            assert "\n" not in text, path
            free.add(".".join(map(str, path)))
    assert free == FREE


@pytest.mark.parametrize("text", ["x\ny", "x\x1b[2J"])
def test_no_text_of_a_claim_is_more_than_a_line(tmp_path, text):
    schema = ROOT / "schemas" / "claims.schema.yaml"
    claims = yaml.safe_load((ROOT / "claims" / "filter_frequency.yaml").read_text())
    for path, is_key in texts(claims):
        if path[0] == "claims" and len(path) > 1 and path[1] == next(iter(claims["claims"])):
            (tmp_path / "claims.yaml").write_text(yaml.safe_dump(changed(claims, path, is_key, text)))
            with pytest.raises(InputError) as refusal:
                load_claims(tmp_path / "claims.yaml", schema)
            assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:SECRET@host.org/m.pt",
        "https://SECRET@host.org/m.pt",
        "https://host.org/m.pt?token=SECRET",
        "https://host.org/m.pt?x=1&access_token=SECRET",
        "https://host.org/m.pt?X-Amz-Signature=SECRET",
        "https://host.org/m.pt?sv=2&sig=SECRET",
        "https://host.org/m.pt?api_key=SECRET",
        "https://host.org/m.pt#token=SECRET",
    ],
)
def test_an_address_with_a_credential_is_refused_without_repeating_it(url):
    config = yaml.safe_load(CONFIG)
    del config["checkpoints"]["brought"]["path"]
    config["checkpoints"]["brought"]["url"] = url
    with pytest.raises(InputError, match=r"checkpoints\.brought\.url: holds a credential \(.*give its path") as refusal:
        Study(config, SCHEMA)
    assert "SECRET" not in str(refusal.value)
    config["checkpoints"]["brought"]["url"] = "https://host.org/m.pt?download=1&monkey=2#top"
    Study(config, SCHEMA)


LABELS = [
    r"$\notacommand{$ & \input{/etc/passwd}",
    "$x$",
    r"\$",
    "[0] *",
    "<script>alert(1)</script>",
    "a | b",
    r"\<img src=x>",
    "[x](javascript:alert(1))",
    "100 % #1 ~ ^_",
]


def test_labels_are_shown_as_they_are_in_every_table():
    cells = pd.DataFrame({"model": LABELS, "<b>|$": ["1"] * len(LABELS)})
    table = TextTable(cells, cells, LABELS[0] + LABELS[4], right=1)

    html = table.to_html()
    assert not re.search(r"<(script|img|b)\b", html)
    shown = unescape(html)
    assert all(label in shown for label in LABELS)

    latex = table.to_latex()
    # Commands are those of the table and those that stand for a character.
    commands = set(re.findall(r"\\([A-Za-z]+)", latex))
    assert commands <= {
        *("begin", "end", "centering", "caption", "toprule", "midrule", "bottomrule", "usepackage", "linewidth"),
        *("textbackslash", "textasciitilde", "textasciicircum"),
    }
    assert not re.search(r"\\\\\s*[\[*]", latex)  # arguments of the end of a row
    rows = latex.partition(r"\midrule")[2].partition(r"\bottomrule")[0].strip().splitlines()
    assert len(rows) == len(LABELS)
    assert all(len(re.findall(r"(?<!\\)&", row)) == 1 for row in rows)

    lines = [line for line in table.to_markdown().splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3 for line in lines)
    assert not re.search(r"(?<!\\)(?:\\\\)*<|\]\(", table.to_markdown())


def test_labels_and_class_names_are_shown_as_they_are_in_figures(monkeypatch):
    """None of them is a formula, at which drawing could fail."""

    def formula(*arguments, **options):
        raise AssertionError("read as a formula")

    monkeypatch.setattr(matplotlib.mathtext.MathTextParser, "parse", formula)
    figure = new_figure(4, 2)
    add_legend(figure, variant_styles({str(place): label for place, label in enumerate(LABELS)}))
    images = np.zeros((len(LABELS), 8, 8, 3), dtype=np.uint8)
    numbers = np.arange(len(LABELS))
    sheet = contact_sheet({"test": (images, numbers)}, LABELS, {"test": numbers}, examples=1)
    claim = {
        "claim": "c",
        "statement": LABELS[0],
        "effect": 0.1,
        "smallest_effect": 0.1,
        "verdict": "supported",
        "pairs": 3,
        "together": True,
    }
    claim |= {"ci_low": 0.0, "ci_high": 0.2, "direction": "higher", "treatment": "a", "control": "b"}
    card = draw_scores(pd.DataFrame([claim]), {"a": LABELS[1], "b": LABELS[4]}, {"c": LABELS[2]})
    for drawn in (figure, sheet, card):
        drawn.savefig(io.BytesIO(), format="png")


def calls(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}


def test_nothing_in_the_code_runs_what_it_reads():
    # The one reader of YAML that is named by hand makes plain values alone, too.
    assert schemas._LOADER in (yaml.SafeLoader, getattr(yaml, "CSafeLoader", None))
    loads = 0
    for file in CODE:
        for name, options in calls(ast.parse(file.read_text())):
            where = f"{file.name}: {name}"
            last = name.rpartition(".")[2]
            assert name not in {"eval", "exec", "compile", "os.system", "os.popen", "__import__"}, where
            assert options.get("shell", "False") == "False", where
            assert name not in {"pickle.load", "pickle.loads", "pd.read_pickle", "joblib.load"}, where
            if name == "yaml.load":
                assert options["Loader"] == "_LOADER", where
            assert last not in {"extractall", "unpack_archive"}, where
            if name == "torch.load":
                assert options["weights_only"] == "True", where
                loads += 1
            if name in {"np.load", "numpy.load", "np.lib.format.read_array"}:
                assert options["allow_pickle"] == "False", where
                loads += 1
    assert loads >= 4


def sources():
    for name in DATASETS:
        yield from ((name, source) for source in get_dataset(name).sources)
    for name, entry in (*SHIFTED_SETS.items(), *PUBLISHED_CORRUPTIONS.items()):
        yield from ((name, source) for source in entry.sources)


def test_every_download_has_a_checksum_and_comes_over_https_where_its_server_can():
    without = set()
    for name, source in sources():
        assert re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", source.checksum), name
        assert re.fullmatch(r"[\w.-]+", source.file), name
        for url in source.urls:
            assert re.match(r"https?://[^/@?#]+/[^@?#]*(\?[\w=&%.-]+)?$", url), url
            if url.startswith("http:"):
                without.add(name)
    # Their servers answer http alone; a content that was changed on the way has another checksum.
    assert without == {"svhn", "kmnist", "fashionmnist", "tinyimagenet"}
