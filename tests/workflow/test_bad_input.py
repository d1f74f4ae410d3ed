"""Each wrong input stops with one sentence that names it, and leaves nothing half made."""

import json
import pickle
import re
import subprocess
import sys

import pytest
from records import edit_json

from filterfreq.runtime.machine import has_gpu

RUN = "results/runs/texdigits/resnet_8_2/plain/seed-0"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("datasets: [texdigits]", "datasets: [texdigit]", "experiments.tiny.datasets: unknown data set 'texdigit'"),
        ("models: [resnet_8_2]", "models: [resnet_9_2]", "experiments.tiny.models: unknown model 'resnet_9_2'"),
        (
            "variants: [plain, ",
            "variants: [plane, ",
            "experiments.tiny.variants: unknown variant 'plane': did you mean",
        ),
        ("kind: highest", "kind: hightest", "variants.dct-penalty.penalty.kind: 'hightest' is none of highest"),
        ("strength: 0.01", "strength: -0.01", "variants.dct-penalty.penalty.strength: -0.01 is out of range"),
        ("seeds: [0]", "seeds: []", "experiments.tiny.seeds: is empty"),
        ("    epochs: 1", "    epoch: 1", "training.default: unknown key 'epoch': did you mean 'epochs'"),
    ],
)
def test_a_wrong_config_stops_before_any_work(fresh, tmp_path, old, new, message):
    text = (fresh.folder / "tiny.yaml").read_text()
    assert old in text
    config = tmp_path / "wrong.yaml"
    config.write_text(text.replace(old, new))
    outcome = fresh.snakemake("--directory", str(tmp_path / "work"), config=str(config))
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    assert f"The config is refused. {message}" in said
    assert "Traceback" not in said
    assert not (tmp_path / "work" / "results").exists()


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("results/runs/texdigits/resnet_8_2/plane/seed-0/run.json", "unknown variant 'plane': did you mean 'plain'?"),
        ("results/logs/train/texdigits/resnet_8_2/plane/seed-0.log", "unknown variant 'plane'"),
        ("results/tables/nope/all_datasets.txt", "unknown experiment 'nope'"),
        ("results/checkpoints/nope/download.json", "unknown checkpoint 'nope'"),
        ("results/data/nope/corruptions.json", "unknown data set 'nope'"),
        ("results/data/nope/arrays", "unknown data set 'nope'"),
    ],
)
def test_an_unknown_name_in_a_target_is_said_before_any_work(fresh, tmp_path, target, sentence):
    outcome = fresh.snakemake(target, "--directory", str(tmp_path), config=str(fresh.config))
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    assert f"there is no {target} to make: {sentence}" in said
    assert "Traceback" not in said
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "metrics=_CALIBRATED)",
            "metrics=_CALIBRATED, stages=1)",
            "A registry is refused. evaluation/registry.py, line ",
        ),
        (
            "metrics=_CALIBRATED)",
            'metrics=_CALIBRATED, stage="evalute")',
            "An entry is refused. evaluation/registry.py, entry 'clean': unknown stage 'evalute'",
        ),
        (
            "metrics=_CALIBRATED)",
            'metrics=_CALIBRATED, inputs=("imges",))',
            "An entry is refused. evaluation/registry.py, entry 'clean': unknown input 'imges'",
        ),
    ],
)
def test_an_entry_that_could_not_work_is_said_before_any_work(unstarted, old, new, sentence):
    unstarted.edit("scripts/filterfreq/evaluation/registry.py", old, new)
    outcome = unstarted.snakemake("--dry-run")
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    assert sentence in said
    assert "Traceback" not in said


def test_a_run_of_another_study_is_not_overwritten(fresh, tmp_path):
    record = tmp_path / RUN / "run.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"provenance": {"config": ["other.yaml"]}, "variant": {}, "training": {"epochs": 9}}')
    outcome = fresh.snakemake("--dry-run", "--directory", str(tmp_path), config=str(fresh.config))
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    assert f"The config is refused. {RUN} was made for other.yaml with other settings" in said
    assert "Traceback" not in said


def test_what_the_option_for_configs_swallows(fresh, tmp_path):
    target = fresh.snakemake("--dry-run", "--configfile", "tiny.yaml", "table_main", config=None)
    assert target.returncode == 1
    assert target.stderr.splitlines()[1:] == [
        "error: 'table_main' is no config file, and --configfile takes every word up to the next option: "
        "put targets first, as in snakemake table_main --configfile tiny.yaml"
    ]
    # From elsewhere, and by a config that Snakemake would take hours over.
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join(9 * [f'*a{level - 1}'])}]" for level in range(1, 10)]
    (tmp_path / "laughs.yaml").write_text("\n".join(lines))
    arguments = ("--snakefile", str(fresh.folder / "Snakefile"), "--directory", str(tmp_path))
    laughs = fresh.snakemake("--dry-run", *arguments, config=str(tmp_path / "laughs.yaml"))
    assert laughs.returncode == 1
    assert "laughs.yaml: it holds more than 100000 values" in laughs.stderr
    # One that a profile names.
    (tmp_path / "config.yaml").write_text(f"configfile: {tmp_path / 'twice.yaml'}\ncores: 1\n")
    (tmp_path / "twice.yaml").write_text((fresh.folder / "tiny.yaml").read_text() + "experiments: {}\n")
    twice = fresh.snakemake("--dry-run", *arguments, "--profile", str(tmp_path), config=None)
    assert twice.returncode == 1
    said = twice.stdout + twice.stderr
    assert re.search(r"The config is refused\. .*twice\.yaml, line \d+: experiments is there already, in line", said)


def test_a_small_config_that_would_take_for_ever(unstarted):
    """Of mappings, which Snakemake itself would go through."""
    lines = [f"a{level}: &a{level} {{p: *a{level - 1}, q: *a{level - 1}}}" for level in range(1, 60)]
    (unstarted.folder / "config.yaml").write_text("\n".join(["a0: &a0 {k: x}", *lines]))
    for config in (None, "config.yaml"):
        outcome = unstarted.snakemake("--dry-run", config=config)
        assert outcome.returncode == 1
        assert "config.yaml: it holds more than 100000 values" in outcome.stdout + outcome.stderr


def test_a_config_is_not_run_as_python(unstarted):
    marker = unstarted.folder / "ran"
    template = unstarted.folder / "config.yaml"
    template.write_text(f"__use_yte__: true\nexperiments: ?open({str(marker)!r}, 'w')\n")
    command = [sys.executable, "scripts/plan.py", "--cores", "1", "--configfile", template.name]
    planned = subprocess.run(command, cwd=unstarted.folder, capture_output=True, text=True)
    started = [unstarted.snakemake("--dry-run", config=config) for config in (None, template.name)]
    for outcome in (planned, *started):
        assert outcome.returncode == 1
        said = outcome.stdout + outcome.stderr
        assert "config.yaml: __use_yte__ would have Snakemake run text of the config as Python: take it out" in said
        assert "Traceback" not in said
    assert not marker.exists()


def refused(project, target: str, *arguments: str, config: str = "tiny.yaml") -> str:
    """Run a target that must fail, see that it leaves no output, and return the sentence that says why."""
    outcome = project.snakemake(target, *arguments, config=config)
    assert outcome.returncode == 1
    assert not (project.folder / target).exists()
    sentences = re.findall(r"^error: (.*)$", outcome.stdout + outcome.stderr, re.MULTILINE)
    assert len(sentences) == 1, outcome.stdout + outcome.stderr
    assert not [path for path in (project.folder / target).parent.rglob(".*") if path.name != ".snakemake_timestamp"]
    return sentences[0]


def again(project, target: str) -> str:
    """Delete an output, so that its job is due."""
    (project.folder / target).unlink()
    return target


def test_a_truncated_array(project):
    array = project.folder / "results/data/texdigits/arrays/test_images.npy"
    array.write_bytes(array.read_bytes()[:100_000])
    sentence = refused(project, again(project, f"{RUN}/evaluations/clean.csv"))
    assert "arrays/test_images.npy is damaged" in sentence


def test_an_array_with_another_checksum(project):
    array = project.folder / "results/data/texdigits/arrays/train_images.npy"
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    target = again(project, f"{RUN}/run.json")
    assert "arrays/train_images.npy does not have its recorded SHA-256" in refused(project, target)


def test_a_truncated_checkpoint(project):
    weights = project.folder / f"{RUN}/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    target = again(project, f"{RUN}/evaluations/cue_conflict.csv")
    assert f"{RUN}/model.safetensors is truncated or was changed" in refused(project, target)


def test_a_pickle_in_place_of_a_checkpoint_runs_no_code(project):
    class Malice:
        def __reduce__(self):
            return (open, (str(project.folder / "malice"), "w"))

    weights = project.folder / f"{RUN}/model.safetensors"
    weights.write_bytes(pickle.dumps(Malice()))
    target = again(project, f"{RUN}/evaluations/filters.csv")
    assert "model.safetensors is truncated or was changed" in refused(project, target)
    assert not (project.folder / "malice").exists()


def test_a_checkpoint_of_another_model(project):
    edit_json(project.folder / f"{RUN}/run.json", lambda record: record["classifier"].update(architecture="resnet_8_4"))
    target = again(project, f"{RUN}/evaluations/clean.csv")
    assert "does not fit resnet_8_4" in refused(project, target)


def test_a_changed_digit_of_the_normalisation(project):
    record = project.folder / f"{RUN}/run.json"
    text = record.read_text()
    mean = str(json.loads(text)["classifier"]["mean"][0])
    record.write_text(text.replace(mean, "0.125"))
    target = again(project, f"{RUN}/evaluations/clean.csv")
    assert f"{RUN}/run.json was changed since it was written" in refused(project, target)
    target = again(project, "results/tables/tiny/texdigits/costs.md")
    assert f"{RUN}/run.json was changed since it was written" in refused(project, target)


def test_a_changed_digit_of_the_data_sets_record(project):
    record = project.folder / "results/data/texdigits/dataset.json"
    record.write_text(record.read_text().replace('"seed": 0', '"seed": 1'))
    target = again(project, f"{RUN}/evaluations/clean.csv")
    assert "dataset.json was changed since it was written" in refused(project, target)


def test_a_changed_history(project):
    history = project.folder / f"{RUN}/history.csv"
    history.write_text(history.read_text().replace("1,0.05,", "1,0.06,"))
    target = again(project, "results/aggregated/tiny/texdigits/history.csv")
    assert f"{RUN}/history.csv was changed since it was written" in refused(project, target)


def test_a_damaged_result(project):
    results = project.folder / f"{RUN}/evaluations/clean.csv"
    results.write_text(results.read_text().replace("value", "valeu"))
    target = again(project, "results/aggregated/tiny/texdigits/clean.csv")
    assert "clean.csv" in refused(project, target)


def test_damaged_corrupted_images(project):
    images = project.folder / "results/data/texdigits/corruptions/fog.npy"
    images.write_bytes(images.read_bytes()[:-1])
    target = again(project, f"{RUN}/evaluations/corruption.csv")
    assert "corruptions/fog.npy is damaged" in refused(project, target)


def test_corrupted_images_with_another_checksum(project):
    images = project.folder / "results/data/texdigits/corruptions/fog.npy"
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.write_bytes(content)
    target = again(project, f"{RUN}/evaluations/corruption.csv")
    assert "corruptions/fog.npy does not have its recorded SHA-256" in refused(project, target)


def test_damaged_perturbations(project):
    examples = project.folder / f"{RUN}/perturbations.npz"
    examples.write_bytes(examples.read_bytes()[:200])
    target = again(project, "results/figures/tiny/texdigits/perturbations.png")
    assert "perturbations.npz is damaged" in refused(project, target)


def test_no_gpu_where_one_is_required_stops_before_the_data_are_made(fresh, tmp_path):
    if has_gpu():
        pytest.skip("there is a GPU, so nothing is missing")
    config = tmp_path / "cuda.yaml"
    config.write_text((fresh.folder / "tiny.yaml").read_text().replace("device: cpu", "device: cuda"))
    outcome = fresh.snakemake("--directory", str(tmp_path / "work"), config=str(config))
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    assert "compute.device is cuda but this machine has no GPU" in said
    assert "Traceback" not in said
    assert not (tmp_path / "work" / "results").exists()


def test_figures_need_no_gpu(project):
    project.edit("tiny.yaml", "device: cpu", "device: cuda")
    target = again(project, "results/figures/tiny/texdigits/shape_bias.png")
    assert project.snakemake(target).returncode == 0


def test_no_gpu_at_the_job(project):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU, so nothing is missing")
    project.edit("tiny.yaml", "device: cpu", "device: cuda")
    # What a cluster's job would find on a node whose GPU is gone.
    project.edit("Snakefile", "    refuse_without_gpu()", "    pass")
    target = again(project, f"{RUN}/run.json")
    assert "compute.device is cuda but this machine has no usable GPU" in refused(project, target)


def test_the_config_that_a_job_was_told_of_is_gone(fresh):
    told = ("env", "FILTERFREQ_CONFIG=gone.json")
    outcome = fresh.snakemake("--dry-run", "--mode", "subprocess", prefix=told)
    assert outcome.returncode == 1
    assert "The config is refused. gone.json, which has the config that the workflow began with" in outcome.stdout


def test_a_full_disk(fresh, tmp_path):
    """No file may grow beyond 8 MiB, and the training images take 12."""
    work = tmp_path / "work"
    outcome = fresh.snakemake("results/data/texdigits/dataset.json", "--directory", str(work), file_size=2**23)
    assert outcome.returncode == 1
    said = outcome.stdout + outcome.stderr
    assert "error: no space left while writing results/data/texdigits/arrays/train_images.npy" in said
    assert "Traceback" not in said
    assert [path for path in (work / "results/data").rglob("*") if path.is_file()] == []
