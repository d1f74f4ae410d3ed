import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from filterfreq.planning.costs import CostModel
from filterfreq.planning.due import Dag, Job
from filterfreq.planning.estimates import Estimate, Estimator, wall_seconds
from filterfreq.planning.plan import describe_plan, describe_status, make_plan, write_plan
from filterfreq.planning.records import Calibration, read_benchmark, read_calibration, read_plan, unit_key
from filterfreq.runtime.errors import InputError
from filterfreq.study.study import Study

ROOT = Path(__file__).parents[2]
RUN = {"dataset": "texdigits", "model": "resnet_8_2", "variant": "plain", "seed": "0"}
NOTHING = Calibration(None, 0.0, {})
# Seconds per image that are easily multiplied; a process starts in two seconds.
FORWARD, BACKWARD, TRAIN, CORRUPT = 0.01, 0.02, 0.001, 0.5


@pytest.fixture(scope="module")
def study() -> Study:
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    return Study(config, ROOT / "schemas/config.schema.yaml")


@pytest.fixture(scope="module")
def calibration(study) -> Calibration:
    values = {
        "evaluate": {"forward": FORWARD, "backward": BACKWARD},
        "train": {"train": TRAIN, "weight_bytes": 6000},
        "corrupt": {"corrupt": CORRUPT},
    }
    units = {unit_key(entry["unit"]): values[entry["unit"]["kind"]] for entry in CostModel(study, "").units()}
    return Calibration("a device", 2.0, units)


def job(rule: str, wildcards: dict | None = None, **facts) -> Job:
    stage = {"train": "train", "corrupt": "data", "download": "data", "write_table": "publish"}.get(rule, "evaluate")
    found = {
        "threads": 1,
        "gpus": 0,
        "outputs": (),
        "benchmark": f"{rule}.tsv",
        "log": f"{rule}.log",
        "due": True,
        "submission": None,
        "needs": (),
        **facts,
    }
    return Job(rule, stage, RUN if wildcards is None else wildcards, **found)


def dag(study: Study, *jobs: Job, **facts) -> Dag:
    defaults = {"cores": None, "gpus": None, "locked": False, "folder": Path(), "plan": "plan.json"}
    return Dag(study, list(jobs), **defaults | facts)


def benchmark(path: Path, seconds: float) -> str:
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t12.5\n")
    return str(path)


def seconds(study, calibration, *jobs) -> float | None:
    return Estimator(dag(study, *jobs), calibration).estimate(jobs[0]).seconds


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # One epoch of 4,000 training images, and a look at 1,000 test images.
        ("train", 2 + 4000 * TRAIN + 1000 * FORWARD),
        ("evaluate_clean", 2 + 1000 * FORWARD),
        # 16 images: seen twice, for FGSM a step and a look, for PGD at two epsilons two steps and a look.
        ("evaluate_adversarial", 2 + 16 * (2 + 2 + 2 * 3) * FORWARD + 16 * (1 + 2 * 2) * BACKWARD),
        # 4 and 2 images as they are, and under APGD: 101 steps.
        ("evaluate_autoattack", 2 + (4 + 2) * (112 * FORWARD + 101 * BACKWARD)),
        # 16 images, seen twice, two epsilons, a step on the source and a look each.
        ("evaluate_transfer", 2 + 16 * (2 + 2 + 2) * FORWARD + 16 * 2 * BACKWARD),
        ("evaluate_corruption", 2 + 4 * (19 * 5 + 1) * FORWARD),
        ("evaluate_frequency_filtered", 2 + 16 * 3 * FORWARD),
        ("perturb", 2 + 2 * (1 + 2) * FORWARD + 2 * BACKWARD),
        ("evaluate_out_of_distribution", None),
        ("evaluate_filters", None),
    ],
)
def test_the_cost_model_by_hand(study, calibration, rule, expected):
    assert seconds(study, calibration, job(rule)) == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(("device", "train", "gpus"), [("cuda", {}, 4), ("cpu", {"processes": 2}, 0)])
def test_trainings_of_several_processes_are_not_calibrated(study, calibration, device, train, gpus):
    compute = study.config["compute"]
    config = {**study.config, "compute": {**compute, "device": device, "train": {**compute["train"], **train}}}
    several = Study(config, ROOT / "schemas/config.schema.yaml")
    assert seconds(several, calibration, job("train", gpus=gpus)) is None
    assert seconds(several, calibration, job("evaluate_clean", gpus=min(1, gpus))) == 2 + 1000 * FORWARD


@pytest.mark.parametrize(("kept", "weights"), [(True, 4), (False, 1)])
def test_snapshots_are_measured_one_after_the_other_and_take_space_where_they_are_kept(calibration, kept, weights):
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["training"]["default"] |= {"epochs": 10, "snapshots": [1, 5, 10]}
    config["training"]["keep_snapshots"] = kept
    config["evaluation"]["over_training"] = ["clean", "adversarial", "filters"]
    estimator = Estimator(dag(Study(config, ROOT / "schemas/config.schema.yaml")), calibration)
    assert estimator.estimate(job("train")).bytes == 6000 * weights
    clean, adversarial, filters = (
        estimator.estimate(job(f"over_training_{suite}")) for suite in ("clean", "adversarial", "filters")
    )
    assert clean.seconds == pytest.approx(2 + 3 * 1000 * FORWARD)
    assert not clean.is_bound
    alone = estimator.estimate(job("evaluate_adversarial")).seconds - 2
    assert adversarial.seconds == pytest.approx(2 + 3 * alone)
    assert adversarial.is_bound
    assert filters.seconds is None


def test_settings_for_snapshots_are_what_their_jobs_take(calibration):
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["training"]["default"] |= {"epochs": 10, "snapshots": [1, 5, 10]}
    filtered = {"images": 8, "radii": {"low": [4]}}
    config["evaluation"]["over_training"] = ["clean", {"frequency_filtered": filtered}]
    estimator = Estimator(dag(Study(config, ROOT / "schemas/config.schema.yaml")), calibration)
    assert estimator.estimate(job("over_training_frequency_filtered")).seconds == pytest.approx(2 + 3 * 8 * FORWARD)
    assert estimator.estimate(job("evaluate_frequency_filtered")).seconds == pytest.approx(2 + 16 * 3 * FORWARD)
    assert estimator.estimate(job("over_training_clean")).seconds == pytest.approx(2 + 3 * 1000 * FORWARD)


def test_a_derived_run_takes_the_space_of_what_it_changes(calibration):
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["variants"]["low"] = {"from": "plain", "low_pass_kernels": {"below": 2, "layers": "first"}}
    config["experiments"]["tiny"]["variants"].append("low")
    study = Study(config, ROOT / "schemas/config.schema.yaml")
    derive = job("derive", RUN | {"variant": "low"})
    assert Estimator(dag(study), calibration).estimate(derive).bytes is None
    unit = CostModel(study, "").derivation_unit(study.runs[-1])
    measured = replace(calibration, units={**calibration.units, unit_key(unit): {"weight_bytes": 700}})
    estimate = Estimator(dag(study), measured).estimate(derive)
    assert (estimate.bytes, estimate.seconds) == (700, None)


def test_what_is_not_calibrated_is_unknown(study):
    estimate = Estimator(dag(study), NOTHING).estimate(job("train"))
    assert estimate == Estimate(None, "unknown", False, None, 0)


def test_corruptions_share_their_processes(study, calibration):
    corrupt = job("corrupt", {"dataset": "texdigits"}, threads=2)
    estimate = Estimator(dag(study), calibration).estimate(corrupt)
    assert estimate.seconds == 2 + 4 * CORRUPT / 2
    assert estimate.bytes == 4 * 19 * 5 * 32 * 32 * 3


def test_finished_jobs_like_it_are_what_a_job_takes(study, calibration, tmp_path):
    weights = tmp_path / "weights"
    weights.write_bytes(bytes(700))
    finished = [
        job("train", RUN | {"seed": str(n)}, due=False, benchmark=benchmark(tmp_path / f"{n}", s), outputs=(weights,))
        for n, s in ((1, 30.0), (2, 50.0), (3, 100.0))
    ]
    # Due again, so what it took is of another time; and other variants are other jobs.
    again = job("train", benchmark=benchmark(tmp_path / "again", 1000.0))
    other = job("train", RUN | {"variant": "dct-penalty"}, due=False, benchmark=benchmark(tmp_path / "other", 9.0))
    estimator = Estimator(dag(study, again, *finished, other), calibration)
    assert estimator.estimate(again) == Estimate(50.0, "measured", False, 700, 0)
    assert estimator.estimate(job("evaluate_adversarial")).is_bound


def test_an_interrupted_training_took_what_all_its_epochs_did(study, tmp_path):
    """Its benchmark file has the last 40 seconds, its record 3,000; of one that nothing stopped, both have it all."""
    finished = []
    for number, last, epochs in ((1, 40.0, 3000.0), (2, 3010.0, 3002.0)):
        record = tmp_path / str(number) / "run.json"
        record.parent.mkdir()
        record.write_text(json.dumps({"provenance": {"seconds": epochs}}))
        path = benchmark(tmp_path / f"{number}.tsv", last)
        finished.append(job("train", RUN | {"seed": str(number)}, due=False, benchmark=path, outputs=(str(record),)))
    assert seconds(study, NOTHING, job("train"), *finished) == (3000 + 3010) / 2
    record.write_text("{}")
    assert seconds(study, NOTHING, job("train"), *finished) == 3000


def test_a_table_takes_what_it_took_of_other_data(study, tmp_path):
    main = {"experiment": "tiny", "dataset": "texdigits", "name": "main"}
    finished = job("write_table", main, due=False, benchmark=benchmark(tmp_path / "b", 1.5))
    due = [job("write_table", main | change) for change in ({"dataset": "cifar10"}, {"name": "costs"})]
    assert [seconds(study, NOTHING, each, finished) for each in due] == [1.5, None]


def test_downloads_are_as_large_as_the_registry_says(study):
    wildcards = {"dataset": "cifar10", "file": "cifar-10-binary.tar.gz"}
    known = Estimator(dag(study), NOTHING).estimate(job("download", wildcards))
    assert (known.download, known.seconds) == (170_052_171, None)
    assert Estimator(dag(study), NOTHING).estimate(job("download_checkpoint", {"checkpoint": "a"})).download is None


def test_the_wall_time_is_that_of_a_schedule():
    # Two trainings of 10 s, then of each an evaluation of 4 s and one of 6 s on a GPU, and after all 3 s without one.
    jobs = [job("train", gpus=1), job("train", gpus=1)]
    jobs += [job("evaluate_clean", gpus=1, needs=(run,)) for run in (0, 1) for _ in range(2)]
    jobs.append(job("write_table", needs=(2, 3, 4, 5)))
    times = [10, 10, 4, 6, 4, 6, 3]
    assert wall_seconds(jobs, times.__getitem__, 1) == 40 + 3
    # First come, first served: one GPU gets 4 + 4 s, the other 6 + 6 s.
    assert wall_seconds(jobs, times.__getitem__, 2) == 10 + 12 + 3
    assert wall_seconds(jobs, times.__getitem__, None) == 10 + 6 + 3
    # With two cores for jobs of two threads each, one after the other again.
    wide = [job("train", threads=2), job("train", threads=4), job("train", due=False, needs=(0,))]
    assert wall_seconds(wide, [5, 7, 100].__getitem__, None, 2) == 12


def test_a_plan_adds_up(study, calibration, tmp_path):
    jobs = [
        job("train", gpus=1, threads=4, submission=0),
        job("evaluate_clean", gpus=1, threads=4, submission=1, needs=(0,)),
        job("perturb", gpus=1, threads=4, submission=1, needs=(0,), benchmark="p.tsv"),
        job("write_table", {"experiment": "tiny", "dataset": "texdigits"}, needs=(1,)),
        job("evaluate_adversarial", due=False, benchmark=benchmark(tmp_path / "b", 5.0)),
    ]
    plan = make_plan(dag(study, *jobs), calibration, [1, 2])
    train, clean, shown = 2 + 4 + 10, 2 + 10, 2 + 0.06 + 0.04
    total = plan["total"]
    assert (total["jobs"], total["submitted"], total["submissions"]) == (4, 3, 2)
    assert total["sources"] == {"calibrated": 3, "unknown": 1}
    assert total["gpu_hours"] == pytest.approx((train + clean + shown) / 3600)
    assert total["core_hours"] == pytest.approx(4 * total["gpu_hours"])
    assert plan["wall_hours"] == {
        "1": pytest.approx((train + clean + shown) / 3600),
        "2": pytest.approx((train + clean) / 3600),
    }
    assert [entry["stage"] for entry in plan["stages"]] == ["train", "evaluate", "publish"]
    assert total["bytes"] == 6000
    text = describe_plan(plan)
    assert "4 jobs: 3 of them in 2 submissions" in text
    assert "1 job is of unknown length" in text


def test_a_plan_says_the_passes_of_each_evaluation_calibrated_or_not(study):
    """514 frequencies of 1,000 images, 50 steps of an attack on 8 of them and a look at each, and two data sets."""
    suites = {"clean": {}, "fourier_heat_map": {"norm": 4}, "spectra": {"images": 8}, "corruption": {}}
    evaluation = {"batch_size": 8, **suites, "datasets": {"mnist": {"clean": {}}}}
    config = study.config | {"evaluation": evaluation}
    grid = {**config["experiments"]["tiny"], "datasets": ["texdigits", "mnist"]}
    several = Study(config | {"experiments": {"tiny": grid}}, ROOT / "schemas/config.schema.yaml")
    jobs = [job("train"), job("evaluate_fourier_heat_map"), job("evaluate_spectra"), job("evaluate_clean")]
    jobs += [job("evaluate_clean", RUN | {"dataset": "mnist"}), job("evaluate_fourier_heat_map", RUN | {"seed": "1"})]
    plan = make_plan(dag(several, *jobs), NOTHING)
    assert {entry["rule"]: entry["passes"] for entry in plan["rules"]} == {
        "train": None,
        "evaluate_fourier_heat_map": [514_000, 514_000],
        "evaluate_spectra": [8 * 51, 8 * 51],
        "evaluate_clean": [1000, 10_000],
    }
    lines = describe_plan(plan).splitlines()
    assert lines[0].split()[:4] == ["stage", "jobs", "passes", "each"]
    cells = {line.split()[0]: line.split()[1:] for line in lines if line.startswith(("  ", "train", "evaluate"))}
    assert cells["evaluate_fourier_heat_map"][:2] == ["2", "514,000"]
    assert cells["evaluate_clean"][:4] == ["2", "1,000", "to", "10,000"]
    assert cells["train"][:2] == ["1", "–"]
    assert "Passes are forward passes of one image through a network, of attacks at most, in each job." in lines


def test_a_plan_made_again_keeps_what_was_planned_of_finished_jobs(study, calibration, tmp_path):
    first, second = job("train"), job("evaluate_clean")
    # As of another config.
    forgotten = job("train", RUN | {"seed": "1"}, benchmark="other.tsv")
    path = tmp_path / "plan.json"
    for calibrated, jobs in ((calibration, (first, second, forgotten)), (NOTHING, (replace(first, due=False), second))):
        found = dag(study, *jobs)
        write_plan(make_plan(found, calibrated), found, path)
    planned = read_plan(path)["planned"]
    assert [(entry["rule"], entry["seconds"]) for entry in planned] == [("evaluate_clean", None), ("train", 16.0)]


@pytest.mark.parametrize("content", [{}, {"planned": 1}, {"planned": [{"rule": "train"}], "made": "", "device": None}])
def test_a_damaged_plan_is_one_sentence(study, tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"plan\.json is damaged .*: delete it and plan again"):
        write_plan(make_plan(dag(study), NOTHING), dag(study), path)


@pytest.fixture
def logs(tmp_path, monkeypatch) -> Path:
    """A folder in which Snakemake is at work."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".snakemake" / "locks").mkdir(parents=True)
    (tmp_path / ".snakemake" / "locks" / "0.input.lock").touch()
    return tmp_path


@contextmanager
def held(log: Path) -> Iterator[None]:
    """Have another process hold the lock of a job on its log, until it is killed."""
    holding = """
import sys, time
from filterfreq.runtime.jobs import _claim
claimed = _claim(sys.argv[1])
print(flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", holding, str(log)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def log_of(folder: Path, number: int, text: str, old: bool = False) -> None:
    path = folder / f"{number}.log"
    path.write_text(f"process 1 on node1\n{text}")
    if old:
        os.utime(path, (0, 0))


def status(study, folder: Path, count: int, locked: bool) -> tuple[list[str], str]:
    """Numbers of jobs that are finished, running, failed, interrupted and waiting, and the whole text."""
    jobs = [job("train", RUN | {"seed": str(n)}, log=f"{folder}/{n}.log", due=n > 0) for n in range(count)]
    text = describe_status(dag(study, *jobs, locked=locked), NOTHING)
    return next(line for line in text.splitlines() if line.startswith("train")).split()[2:7], text


def test_the_status_is_what_locks_and_logs_say(study, logs):
    """Jobs 1 to 3 are of the Snakemake at work, 4 to 6 of one before it, and 7 has not begun; 1 and 6 hold locks."""
    log_of(logs, 2, "epoch 1\nerror: the disk is full\n")
    log_of(logs, 3, "epoch 1\nepoch 2\n")
    log_of(logs, 4, "epoch 1\nerror: the disk is full\n", old=True)
    log_of(logs, 5, "epoch 1\nstarted in 1.0 s, worked for 2.0 s\n", old=True)
    with held(logs / "1.log"), held(logs / "6.log"):
        os.utime(logs / "6.log", (0, 0))
        before = (logs / "1.log").read_text()
        counts, text = status(study, logs, 8, locked=True)
        assert counts == ["1", "2", "1", "1", "3"]
        assert f"failed: {logs}/2.log" in text
        assert f"failed: {logs}/4.log" not in text
        # Jobs of a cluster go on without Snakemake.
        assert status(study, logs, 8, locked=False)[0] == ["1", "2", "2", "1", "2"]
        assert (logs / "1.log").read_text() == before
    # Killed, as by the kernel that ran out of memory, they have left no word.
    assert status(study, logs, 8, locked=True)[0] == ["1", "–", "1", "2", "4"]


def test_without_locks_a_job_without_an_end_runs_as_long_as_snakemake_does(study, logs, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr("filterfreq.runtime.jobs.fcntl.fcntl", refuse)
    log_of(logs, 1, "epoch 1\n")
    log_of(logs, 2, "error: the disk is full\n")
    log_of(logs, 3, "epoch 1\n", old=True)
    assert status(study, logs, 4, locked=True)[0] == ["1", "1", "1", "–", "1"]
    assert status(study, logs, 4, locked=False)[0] == ["1", "–", "1", "2", "–"]


def test_the_calibration_is_read_by_device(tmp_path):
    path = tmp_path / "calibration.json"
    assert read_calibration(path) == NOTHING
    with pytest.raises(InputError, match="run snakemake calibrate there"):
        read_calibration(path, "B200")
    devices = {name: {"seconds_to_start": 1.5, "units": {}} for name in ("A100", "H100")}
    path.write_text(json.dumps({"devices": devices, "latest": "H100"}))
    assert read_calibration(path).device == "H100"
    assert read_calibration(path, "A100").device == "A100"
    with pytest.raises(InputError, match="A100"):
        read_calibration(path, "B200")


@pytest.mark.parametrize("content", ["", "s\n", "s\tx\n-\t1\n", "x\n1\n"])
def test_a_benchmark_file_that_says_nothing_counts_as_none(tmp_path, content):
    (tmp_path / "b.tsv").write_text(content)
    assert read_benchmark(tmp_path / "b.tsv") is None


def test_a_detection_counts_its_passes_disk_and_downloads(calibration):
    resources = {"threads": 1, "mem_mb": 1, "runtime": 1}
    entry = {"detector": "retinanet_resnet50_fpn", "weights": "COCO_V1", "dataset": "coco-val2017", "images": 1000}
    config = {
        "detection": {"one": entry | {"components": {"low": [128], "high": [128]}}},
        "compute": {"device": "cpu", "publish": resources, "evaluate": resources},
    }
    detected, scored = (job(rule, {"detection": "one"}) for rule in ("detect", "score_detections"))
    archive = job("download", {"dataset": "coco-val2017", "file": "val2017.zip"})
    jobs = (detected, scored, archive)
    estimator = Estimator(dag(Study(config, ROOT / "schemas/config.schema.yaml"), *jobs), calibration)
    # Of each image and pass at most 300 detections, each of seven numbers of eight bytes.
    assert estimator.estimate(detected) == Estimate(None, "unknown", False, 3000 * 300 * 7 * 8, 0, 3000)
    assert estimator.estimate(scored) == Estimate(None, "unknown", False, 0, 0, None)
    assert estimator.estimate(archive).download == 815_585_330
