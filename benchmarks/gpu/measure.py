"""All that wants a GPU, in one go: tests, benchmarks, how trainings share it, a calibration, studies of docs/results.

python benchmarks/gpu/measure.py --out results/gpu --seconds 600
python benchmarks/gpu/measure.py --out results/gpu --device cpu --small     # that it runs, on any machine

Each stage leaves its output and a line of stages.json when it ends; a stage with such a line is not run again. The
studies train side by side, for as many of their epochs as the measured speed lets them in --training-seconds, all
variants alike, and are interrupted when --seconds are over; when called again they go on from there.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]
STUDIES = [PROJECT / "docs" / "results" / name for name in ("config.yaml", "components.yaml")]
STAGES = ("tests", "layers", "training", "throughput", "calibration", "studies")
# What an interrupted workflow needs to end its jobs.
SECONDS_TO_STOP = 25


def main() -> None:
    """Run the stages that have not ended yet, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--seconds", type=float, default=3600, help="for all stages together")
    parser.add_argument("--training-seconds", type=float, default=1200, help="for the studies' trainings together")
    parser.add_argument("--suites", nargs="+", default=(), help="of the studies, these alone; tables and figures later")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="for each study")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="sizes that only show that everything runs")
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + arguments.seconds
    record = arguments.out / "stages.json"
    ended = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    for stage in arguments.stages:
        left = end - time.monotonic()
        if stage in ended or left < 0:
            continue
        start = time.monotonic()
        code = run(commands(stage, arguments), arguments.out / f"{stage}.log", left)
        seconds = round(time.monotonic() - start, 1)
        print(f"{stage}: {'ended' if code == 0 else 'failed' if code is not None else 'ran out of time'}, {seconds} s")
        if code == 0:
            ended[stage] = seconds
            record.write_text(json.dumps(ended), encoding="utf-8")


def run(commands: list[list[str]], log: Path, seconds: float) -> int | None:
    """Run commands side by side in the project's folder, and interrupt them when their time is over.

    Returns:
        The highest exit status, or None where one was interrupted.
    """
    end = time.monotonic() + max(1.0, seconds - SECONDS_TO_STOP)
    with log.open("a", encoding="utf-8") as file:
        options = {"stdout": file, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, "cwd": PROJECT}
        processes = [subprocess.Popen(words, start_new_session=True, **options) for words in commands]
        codes = [stop_at(process, end) for process in processes]
    return None if None in codes else max(codes)


def stop_at(process: subprocess.Popen, end: float) -> int | None:
    """Wait for a process, interrupt it at a time of the monotonic clock, and return its status, or None."""
    try:
        return process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    return None


def commands(stage: str, arguments: argparse.Namespace) -> list[list[str]]:
    """The commands of a stage, which run side by side."""
    python = [sys.executable]
    small = arguments.small
    device = ["--device", arguments.device]
    graphs = ["--cuda-graphs"] if arguments.device == "cuda" else []
    benchmarks = PROJECT / "benchmarks"
    match stage:
        case "tests":
            tests = ["tests/test_gpu.py", "tests/models/test_device.py", "tests/data/test_batches.py"]
            return [[*python, "-m", "pytest", "-q", "-n", "4", "-p", "no:benchmark", *tests]]
        case "layers":
            sizes = ["--batch-size", "8", "--repeats", "1"] if small else ["--batch-size", "256"]
            return [[*python, str(benchmarks / "layers.py"), *device, *sizes]]
        case "training":
            sizes = (
                ["--images", "500", "--model", "resnet_8_4", "--batch-size", "64", "--workers", "1"] if small else []
            )
            return [[*python, str(benchmarks / "training.py"), *device, *sizes, *graphs, "--epochs", "3"]]
        case "throughput":
            sizes = ["--images", "500", "--model", "resnet_8_4", "--processes", "5"] if small else []
            out = ["--out", str(arguments.out / "throughput.json")]
            return [[*python, str(benchmarks / "gpu" / "throughput.py"), *device, *sizes, *graphs, *out]]
        case "calibration":
            return [[*python, "-m", "snakemake", "calibrate", "--cores", str(arguments.cores)]]
        case _:
            prepare = ["--until", "prepare", "--configfile", str(STUDIES[0])]
            # They share one data set, which is prepared once, and no other file.
            subprocess.run([*python, "-m", "snakemake", *prepare, "--cores", "all"], cwd=PROJECT, check=True)
            return [snakemake(path, arguments) for path in STUDIES]


def snakemake(study: Path, arguments: argparse.Namespace) -> list[str]:
    """Snakemake on a study, with as many epochs as there is time for."""
    path = arguments.out / study.name
    # Written once: a study that goes on must ask for what it asked before.
    if not path.exists():
        config = fitted(yaml.safe_load(study.read_text(encoding="utf-8")), arguments)
        path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    # A profile of the default's own would ask for other cores.
    options = [
        "--cores",
        str(arguments.cores),
        "--scheduler",
        "greedy",
        "--rerun-incomplete",
        "--keep-going",
        "--nolock",
    ]
    return [sys.executable, "-m", "snakemake", *targets(config, arguments.suites), "--configfile", str(path), *options]


def fitted(config: dict, arguments: argparse.Namespace) -> dict:
    """A study with as many epochs as there is time for, all trainings alike, on the device that is asked for."""
    config["compute"]["device"] = arguments.device
    (experiment,) = config["experiments"].values()
    trained = {
        name: config["variants"][name] for name in experiment["variants"] if "from" not in config["variants"][name]
    }
    default = config["training"]["default"]
    measured = json.loads((arguments.out / "throughput.json").read_text(encoding="utf-8"))
    # Of one training in a GPU that many share; an epoch of FGSM training has two passes.
    seconds = measured["seconds_of_an_epoch"] / measured["processes"]
    costs = [
        {**default, **variant.get("training", {})}["epochs"] * (2 if "adversarial_training" in variant else 1)
        for variant in trained.values()
    ]
    possible = arguments.training_seconds / len(STUDIES)
    factor = min(1.0, possible / (seconds * sum(costs) * len(experiment["seeds"])))
    if arguments.small:
        factor = 1 / default["epochs"]
        # Of two names, as the studies' runs are in one folder.
        experiment |= {"models": [model.replace("_20", "_8") for model in experiment["models"]], "seeds": [0]}
        for suite in {"adversarial", "transfer", "corruption", "frequency_filtered"} & set(config["evaluation"]):
            config["evaluation"][suite]["images"] = 10
        if "autoattack" in config["evaluation"]:
            config["evaluation"]["autoattack"][0] |= {"images": 10, "attacks": ["apgd-ce"]}
    for settings in [default, *(variant["training"] for variant in trained.values() if "training" in variant)]:
        for key in {"epochs", "step_epochs"} & set(settings):
            settings[key] = max(1, round(settings[key] * factor))
        if "snapshots" in settings:
            epochs = [epoch for epoch in settings["snapshots"]["epochs"] if epoch < settings["epochs"]]
            settings["snapshots"]["epochs"] = [*epochs, settings["epochs"]]
            settings["snapshots"]["batches"] = settings["snapshots"]["batches"][: 1 if arguments.small else None]
    return config


def targets(config: dict, suites: list[str]) -> list[str]:
    """The files of evaluations that are asked for, of a study's one experiment."""
    (experiment,) = config["experiments"].values()
    known = {
        *config["evaluation"],
        *(f"over_training/{suite}" for suite in config["evaluation"].get("over_training", ())),
    }
    return [
        f"results/runs/{dataset}/{model}/{variant}/seed-{seed}/evaluations/{suite}.csv"
        for suite in suites
        if suite in known
        for dataset in experiment["datasets"]
        for model in experiment["models"]
        for seed in experiment["seeds"]
        for variant in experiment["variants"]
        if not (suite.startswith("over_training/") and "from" in config["variants"][variant])
    ]


if __name__ == "__main__":
    main()
