import shutil

import pytest
from study_configs import SCHEMA

from filterfreq.data.registry import AUGMENTATIONS
from filterfreq.evaluation.registry import SUITES
from filterfreq.frequencies.masks import PASSES
from filterfreq.models.initial_weights import METHODS as INITIALISATIONS
from filterfreq.models.surgery.convolution_normalisation import METHODS as OF_CONVOLUTIONS
from filterfreq.models.surgery.normalisation import METHODS as NORMALISATIONS
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.schemas import SCHEMAS, check_schema
from filterfreq.study.fragments import read_fragments
from filterfreq.study.schema import config_schema
from filterfreq.study.study import Study
from filterfreq.training.attack_names import AUTOATTACKS
from filterfreq.training.attacks import NORMS
from filterfreq.training.interventions.adversarial_training import TRAINING_ATTACKS
from filterfreq.training.interventions.augmentation_policy import POLICIES
from filterfreq.training.interventions.penalty import KINDS

CONFIG = {
    "experiments": {"first": {"datasets": ["mnist"]}},
    "evaluation": {"batch_size": 1},
    "compute": {
        "device": "cpu",
        **{
            stage: {"threads": 1, "mem_mb": 1, "runtime": 1}
            for stage in ["train", "attack", "evaluate", "data", "publish"]
        },
    },
}
FIT = {"networks": {"small": {"widths": [1], "activation": "relu"}}, "seeds": [0]}


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    """The project's, with a toy fragment in each folder."""
    folder = tmp_path_factory.mktemp("schemas") / "schemas"
    shutil.copytree(SCHEMAS, folder)
    fragments = {
        "suites/toy_suite": "{type: object, required: [images], properties: {images: {$ref: '#/$defs/images'}}}",
        "interventions/toy_loss": "{type: number, minimum: 2, sweep_label: 'toy {}'}",
        "interventions/toy_batches": "{enum: [large]}",
        "interventions/toy_steps": "{$ref: '#/$defs/count', sweep_label: 'steps {}'}",
        "surgery/toy_surgery": "{type: boolean}",
        "fits/toy_fit": "{type: object, properties: {points: {$ref: '#/$defs/count', sweep_label: 'x {}'}}}",
    }
    for name, text in fragments.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return config_schema(folder / "config.schema.yaml")


def test_the_whole_is_a_schema():
    validator = config_schema(SCHEMAS / "config.schema.yaml")
    validator.check_schema(validator.schema)


@pytest.mark.parametrize(
    "changes",
    [
        {"evaluation": {"batch_size": 1, "toy_suite": {"images": 1}}},
        {"evaluation": {"batch_size": 1, "datasets": {"mnist": {"toy_suite": {"images": 1}}}}},
        {"variants": {"plain": {"toy_loss": 2, "toy_batches": "large"}}},
        {"experiments": {"first": {"datasets": ["mnist"], "sweep": {"toy_loss": [3], "toy_steps": [1]}}}},
        {"fits": {"first": FIT | {"toy_fit": {"points": 1}, "variants": {"more": {"points": 2}}}}},
    ],
)
def test_a_fragment_adds_its_key(schema, changes):
    check_schema(schema, CONFIG | changes, "config")
    with pytest.raises(InputError, match=r"unknown key 'toy_"):
        check_schema(config_schema(SCHEMAS / "config.schema.yaml"), CONFIG | changes, "config")


def test_all_mistakes_are_told_at_once_each_in_a_line(schema):
    experiment = {"datasets": ["mnist"], "modles": ["resnet_8"], "variants": ["plain"], "seed": [0]}
    config = CONFIG | {
        "experiments": {"first": experiment},
        "evaluation": {"batch_size": 0.5, "clean": None, "out_of_distribution": {"sets": [1, 2]}},
        "compute": {key: value for key, value in CONFIG["compute"].items() if key not in ("device", "publish")},
    }
    with pytest.raises(InputError) as refusal:
        check_schema(schema, config, "config", every=True)
    assert str(refusal.value).splitlines() == [
        "experiments.first: unknown key 'modles': did you mean 'models'?;",
        "experiments.first: unknown key 'seed': did you mean 'seeds'?;",
        "evaluation.batch_size: 0.5 is a number, it must be a whole number;",
        "evaluation.clean: has no value, write one ({} for one without settings);",
        "evaluation.out_of_distribution.sets.0: 1 is a number, it must be text: write '1';",
        "compute: 'device' is missing;",
        "compute: 'publish' is missing",
    ]
    # Of what jobs have written one is enough.
    with pytest.raises(InputError, match=r"^experiments\.first: unknown key 'modles': did you mean 'models'\?$"):
        check_schema(schema, config, "config")


def test_of_many_mistakes_ten_are_told(schema):
    wrong = {f"wrong{number}": {} for number in range(13)}
    with pytest.raises(InputError) as refusal:
        check_schema(schema, CONFIG | {"experiments": {name: {} for name in wrong}}, "config", every=True)
    lines = str(refusal.value).splitlines()
    assert lines[:2] == ["experiments.wrong0: 'datasets' is missing;", "experiments.wrong1: 'datasets' is missing;"]
    assert (len(lines), lines[-1]) == (11, "and 3 more")


def test_a_refused_config_has_all_its_mistakes_told(config):
    config["evaluation"]["batch_size"] = "many"
    config["training"]["default"]["optimizer"] = "newton"
    with pytest.raises(InputError) as refusal:
        Study(config, SCHEMA)
    wrong = [line.partition(":")[0] for line in str(refusal.value).splitlines()]
    assert wrong == ["training.default.optimizer", "evaluation.batch_size"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"evaluation": {"batch_size": 1, "toy_suite": {}}}, "evaluation.toy_suite: 'images' is missing"),
        (
            {"evaluation": {"batch_size": 1, "datasets": {"mnist": {"toy_suite": {"images": 0}}}}},
            "evaluation.datasets.mnist.toy_suite.images: 0 is out of range",
        ),
        (
            {"variants": {"plain": {"toy_loss": 1, "toy_batches": "large"}}},
            "variants.plain.toy_loss: 1 is out of range",
        ),
        ({"experiments": {"first": {"datasets": ["mnist"], "sweep": {"toy_loss": []}}}}, "sweep.toy_loss: is empty"),
        (
            {"experiments": {"first": {"datasets": ["mnist"], "sweep": {"toy_batches": [1]}}}},
            "sweep: 'toy_batches' cannot be swept: write a variant for each",
        ),
        ({"fits": {"first": FIT | {"toy_fit": {"points": 0}}}}, "fits.first.toy_fit.points: 0 is out of range"),
        (
            {"fits": {"first": FIT | {"toy_fit": {}, "variants": {"more": {"points": 0}}}}},
            "fits.first.variants.more.points: 0 is out of range",
        ),
        (
            {"fits": {"first": FIT | {"toy_fit": {}, "sweep": {"iterations": [1]}}}},
            "fits.first.sweep: unknown key 'iterations'",
        ),
    ],
)
def test_what_does_not_fit_a_fragment_is_refused(schema, changes, said):
    with pytest.raises(InputError) as caught:
        check_schema(schema, CONFIG | changes, "config")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{type: objekt}", "schemas/suites/toy.yaml: type: unknown type 'objekt': did you mean 'object'?"),
        ("{type: object, properties: {a: {type: [string, nul]}}}", "toy.yaml: properties.a.type: unknown type 'nul'"),
        (
            "{type: object, properties: {a: {minimum: low}}}",
            "toy.yaml: properties.a.minimum: 'low' is text, it must be a number",
        ),
        (
            "{type: object, proprties: {}}",
            "toy.yaml: proprties: unknown keyword 'proprties': did you mean 'properties'?",
        ),
        (
            "{items: {anyOf: [{enmu: [1]}]}}",
            "toy.yaml: items.anyOf.0.enmu: unknown keyword 'enmu': did you mean 'enum'?",
        ),
        ("{$ref: '#/$defs/cuont'}", "toy.yaml: $ref: unknown definition of config.schema.yaml 'cuont': did you mean"),
        ("{$ref: count}", "toy.yaml: $ref: 'count' is no reference, write one as '#/$defs/count'"),
        (
            "{additionalProperties: false, required: [raduis], properties: {radius: {}}}",
            "toy.yaml: required: unknown property 'raduis': did you mean 'radius'?",
        ),
        ("{type: number, sweep_label: toy}", "toy.yaml: sweep_label: 'toy' has not one {}, which stands for the value"),
        ("{type: number, sweep_label: 'a {} {}'}", "toy.yaml: sweep_label: 'a {} {}' has not one {}"),
        ("{renamed: old}", "toy.yaml: renamed: it is 'old', write {old key: new key}"),
        ("a: [", "suites/toy.yaml is no YAML (line 1: "),
        ("{type: object, type: array}", "suites/toy.yaml, line 1: type is there already"),
        ("# nothing", "schemas/suites/toy.yaml: it is no schema: write one, beginning with type: object"),
        ("[]", "schemas/suites/toy.yaml: it is no schema"),
    ],
)
def test_a_broken_fragment_is_one_sentence_that_names_the_file(tmp_path, text, said):
    folder = tmp_path / "schemas" / "suites"
    folder.mkdir(parents=True)
    (folder / "toy.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_fragments(folder, ["count", "images"])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "suites/batch_size",
            "{}",
            "schemas/suites/batch_size.yaml: the config has the key 'batch_size' there already",
        ),
        ("surgery/penalty", "{}", "schemas/surgery/penalty.yaml: the config has the key 'penalty' there already"),
        (
            "fits/seeds",
            "{properties: {a: {}}}",
            "schemas/fits/seeds.yaml: the config has the key 'seeds' there already",
        ),
        ("fits/toy", "{type: object}", "schemas/fits/toy.yaml: properties: a fit has settings of its own"),
    ],
)
def test_a_fragment_takes_no_key_from_another(tmp_path, file, text, said):
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    (tmp_path / "schemas" / f"{file}.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        config_schema(tmp_path / "schemas" / "config.schema.yaml")
    assert str(caught.value).startswith(said)


def test_the_schema_knows_what_the_package_knows():
    definitions = config_schema(SCHEMA).schema
    parts = definitions["$defs"]
    assert tuple(parts["variant"]["properties"]["penalty"]["properties"]["kind"]["enum"]) == KINDS
    assert tuple(parts["variant"]["properties"]["normalisation"]["then"]["enum"]) == NORMALISATIONS
    methods = parts["variant"]["properties"]["normalisation"]["properties"]["method"]["enum"]
    assert tuple(methods) == OF_CONVOLUTIONS
    assert set(parts["training_settings"]["properties"]["initialisation"]["enum"]) == set(INITIALISATIONS)
    assert tuple(parts["augmentation"]["enum"]) == AUGMENTATIONS
    assert tuple(parts["norm"]["enum"]) == NORMS
    assert tuple(parts["variant"]["properties"]["adversarial_training"]["properties"]["attack"]["enum"]) == (
        TRAINING_ATTACKS
    )
    assert tuple(parts["variant"]["properties"]["augmentation_policy"]["enum"]) == POLICIES
    evaluation = definitions["properties"]["evaluation"]["properties"]
    assert set(evaluation) == {"batch_size", "main_epsilons", "over_training", "perturbations", "datasets", *SUITES}
    assert set(evaluation["autoattack"]["items"]["properties"]["attacks"]["items"]["enum"]) == set(AUTOATTACKS)
    assert set(evaluation["frequency_filtered"]["properties"]["radii"]["properties"]) == set(PASSES)
