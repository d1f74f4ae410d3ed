import json
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml
from jsonschema import Draft202012Validator
from PIL import Image

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.batches import to_images
from filterfreq.evaluation.reading import read_results
from filterfreq.models.checkpoints import load_checkpoint

RUNS = "results/runs/texdigits/resnet_8_2"
SUITES = {
    # rows of one run: see tiny.yaml
    "clean": 2,
    # These four also measure accuracy and calibration of their own images, AutoAttack of 4 and of 2.
    "adversarial": 3 + 2,
    "autoattack": 2 + 2 * 2,
    "transfer": 2 + 2,
    "corruption": 19 * 5 * 2 + 2,
    "frequency_filtered": 3,
    "out_of_distribution": 2 * 2,
    "cue_conflict": 1 + 10 + 2,
    "filters": 7 * 9,
}


def schema(project, name):
    return Draft202012Validator(yaml.safe_load((project.folder / "schemas" / f"{name}.schema.yaml").read_text()))


def test_a_second_run_has_nothing_to_do(finished):
    outcome = finished.snakemake()
    assert outcome.returncode == 0
    assert "Nothing to be done" in outcome.stdout + outcome.stderr


def test_every_table_and_figure_is_there(finished):
    tables = finished.folder / "results/tables/tiny/texdigits"
    names = {"main", "differences", "adversarial", "corruptions", "shape_bias", "costs", "scorecard"}
    names |= {"transfer", "calibration", "out_of_distribution", "severities", "frequency_filtered", "training_speed"}
    names |= {"side_by_side"}
    assert {file.name for file in tables.iterdir()} == {
        f"{name}.{kind}" for name in names for kind in ("csv", "md", "tex", "html", "txt")
    }
    assert {file.name for file in tables.parent.iterdir() if file.is_file()} == {
        f"all_datasets.{kind}" for kind in ("csv", "md", "tex", "html", "txt")
    }
    figures = finished.folder / "results/figures/tiny/texdigits"
    pngs = sorted(figures.glob("*.png"))
    assert len(pngs) == 14
    for png in pngs:
        image = np.asarray(Image.open(png).convert("L"))
        assert image.std() > 5, f"{png.name} is all but blank"
        assert png.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        assert re.search(r"<figcaption>\w[^<]", png.with_suffix(".html").read_text())


def test_the_report_shows_every_table_and_figure_with_its_caption(finished, tmp_path):
    outcome = finished.snakemake("--report", str(tmp_path / "report.html"))
    said = outcome.stdout + outcome.stderr
    assert outcome.returncode == 0, said
    assert "Report created." in said
    assert "Loading script code" not in said
    (start,) = re.findall(r"^ *var workflow_desc = (.*);$", (tmp_path / "report.html").read_text(), re.MULTILINE)
    start = json.loads(start)
    for row in (
        "Study</td><td>tiny.yaml (tiny on texdigits)",
        f"Date</td><td>{date.today()}",
        "Revision</td><td>not known",
    ):
        assert row in start
    main = (finished.folder / "results/tables/tiny/texdigits/main.html").read_text()
    assert re.findall(r"<td[^>]*>(.*?)</td>", main) == re.findall(r"<td id=[^>]*>(.*?)</td>", start)
    captions = re.findall(r'"caption": ("(?:[^"\\]|\\.)*")', (tmp_path / "report.html").read_text())
    shown = {" ".join(re.sub("<[^>]+>", "", json.loads(caption)).split()) for caption in captions}
    assert len(shown) == 15 + 14
    for beginning in (
        "Images of texdigits, of each class that has some.",
        "All variants of experiment tiny on texdigits, in one measure of each kind of robustness.",
        "All models and variants of experiment tiny on all of its data sets.",
    ):
        assert sum(caption.startswith(beginning) for caption in shown) == 1
    models = [caption for caption in shown if "Data set texdigits, model resnet_8_2, seed 0" in caption]
    assert len(models) == len(shown) - 3  # but for the figures of images


@pytest.mark.parametrize("variant", ["plain", "dct-penalty"])
def test_results_have_the_form_that_the_schemas_say(finished, variant):
    run = finished.folder / RUNS / variant / "seed-0"
    record = json.loads((run / "run.json").read_text())
    schema(finished, "run").validate(record)
    assert record["provenance"]["config"] == ["tiny.yaml"]
    row = schema(finished, "results")
    for suite, count in SUITES.items():
        rows = json.loads(pd.read_csv(run / "evaluations" / f"{suite}.csv").to_json(orient="records"))
        assert len(rows) == count, suite
        for values in rows:
            row.validate(values)
            assert values["suite"] == suite
            assert values["variant"] == variant


def test_the_data_set_has_the_form_that_its_schema_says(finished):
    record = json.loads((finished.folder / "results/data/texdigits/dataset.json").read_text())
    schema(finished, "dataset").validate(record)


def test_the_table_says_what_the_model_does(finished):
    """Clean accuracy once more, from the checkpoint with the DCT layers as they were trained."""
    dataset = PreparedDataset(finished.folder / "results/data/texdigits")
    table = pd.read_csv(finished.folder / "results/tables/tiny/texdigits/main.csv")
    for variant in ("plain", "dct-penalty"):
        record = finished.folder / RUNS / variant / "seed-0" / "run.json"
        classifier, content = load_checkpoint(record, compose=False)
        predictions = classifier(to_images(dataset.images("test"), "cpu")).argmax(1).numpy()
        accuracy = (predictions == dataset.labels("test")).mean()
        assert content["metrics"]["test_accuracy"] == pytest.approx(accuracy, abs=1e-3)
        written = table[(table["variant"] == variant) & (table["measure"] == "clean")]["mean"].item()
        assert written == pytest.approx(accuracy, abs=1e-3)


def test_aggregated_results_are_the_runs_results(finished):
    for suite in SUITES:
        files = [
            finished.folder / RUNS / name / "seed-0/evaluations" / f"{suite}.csv" for name in ("plain", "dct-penalty")
        ]
        together = read_results([finished.folder / f"results/aggregated/tiny/texdigits/{suite}.csv"])
        pd.testing.assert_frame_equal(together, read_results(files))


def test_every_job_has_its_log_and_its_benchmark(finished):
    logs = {
        file.relative_to(finished.folder / "results/logs").with_suffix("")
        for file in finished.folder.glob("results/logs/**/*.log")
    }
    benchmarks = {
        file.relative_to(finished.folder / "results/benchmarks").with_suffix("")
        for file in finished.folder.glob("results/benchmarks/**/*.tsv")
    }
    assert logs == benchmarks
    # for each run training, perturbations and its suites; data, shifted sets, corruptions; aggregates; tables, figures
    assert len(logs) == 2 * (2 + len(SUITES)) + 2 + 2 + len(SUITES) + 1 + 15 + 14


def test_no_training_state_is_left(finished):
    assert list(finished.folder.glob("results/**/*.pt")) == []
    assert list(finished.folder.glob("results/**/.*")) == list(finished.folder.glob("results/**/.snakemake_timestamp"))
