"""All that wants a GPU, in one go: tests, benchmarks, how trainings share it, a calibration, a study.

python benchmarks/gpu/measure.py --out results/gpu --seconds 600
python benchmarks/gpu/measure.py --out results/gpu --device cpu --small     # that it runs, on any machine

Each stage leaves its output and a line of stages.json when it ends; a stage with such a line is not run again. The
study is that of docs/results.md. Where `throughput` measured the speed, it trains for no more epochs than
--training-seconds give, all variants alike. Its trainings come first, as evaluations beside them slow them down. It is
interrupted when --seconds are over; when called again it goes on from there.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]
STUDY = PROJECT / "docs" / "results" / "config.yaml"
STAGES = ("tests", "layers", "training", "throughput", "calibration", "trainings", "study")
# What an interrupted workflow needs to end its jobs.
SECONDS_TO_STOP = 25


def main() -> None:
    """Run the stages that have not ended yet, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--seconds", type=float, default=3600, help="for all stages together")
    parser.add_argument("--training-seconds", type=float, default=1200, help="for the study's trainings together")
    parser.add_argument(
        "--suites", nargs="+", default=(), help="of the study, these alone; its tables and figures later"
    )
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true", help="sizes that only show that everything runs")
    arguments = parser.parse_args()
    arguments.out = arguments.out.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + arguments.seconds
    record = arguments.out / "stages.json"
    ended = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    for stage in arguments.stages:
        name = " ".join([stage, *arguments.suites]) if stage == "study" else stage
        left = end - time.monotonic()
        if name in ended or left < 0:
            continue
        start = time.monotonic()
        code = run(command(stage, arguments), arguments.out / f"{stage}.log", left)
        seconds = round(time.monotonic() - start, 1)
        print(f"{name}: {'ended' if code == 0 else 'failed' if code is not None else 'ran out of time'}, {seconds} s")
        if code == 0:
            ended[name] = seconds
            record.write_text(json.dumps(ended), encoding="utf-8")


def run(words: list[str], log: Path, seconds: float) -> int | None:
    """Run a command in the project's folder, and interrupt it when its time is over.

    Returns:
        The exit status, or None where it was interrupted.
    """
    with log.open("a", encoding="utf-8") as file:
        process = subprocess.Popen(
            words, cwd=PROJECT, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            return process.wait(max(1.0, seconds - SECONDS_TO_STOP))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return None


def command(stage: str, arguments: argparse.Namespace) -> list[str]:
    """The command of a stage."""
    python = [sys.executable]
    small = arguments.small
    device = ["--device", arguments.device]
    graphs = ["--cuda-graphs"] if arguments.device == "cuda" else []
    benchmarks = PROJECT / "benchmarks"
    match stage:
        case "tests":
            tests = ["tests/test_gpu.py", "tests/models/test_device.py", "tests/data/test_batches.py"]
            return [*python, "-m", "pytest", "-q", "-n", "4", "-p", "no:benchmark", *tests]
        case "layers":
            sizes = ["--batch-size", "8", "--repeats", "1"] if small else ["--batch-size", "256"]
            return [*python, str(benchmarks / "layers.py"), *device, *sizes]
        case "training":
            sizes = (
                ["--images", "500", "--model", "resnet_8_4", "--batch-size", "64", "--workers", "1"] if small else []
            )
            return [*python, str(benchmarks / "training.py"), *device, *sizes, *graphs, "--epochs", "3"]
        case "throughput":
            sizes = ["--images", "500", "--model", "resnet_8_4", "--processes", "5"] if small else []
            out = ["--out", str(arguments.out / "throughput.json")]
            return [*python, str(benchmarks / "gpu" / "throughput.py"), *device, *sizes, *graphs, *out]
        case "calibration":
            return [*snakemake(arguments), "calibrate"]
        case "trainings":
            return [*snakemake(arguments), "--keep-going", *run_files(arguments, ["model.safetensors"])]
        case _:
            suites = [f"evaluations/{suite}.csv" for suite in arguments.suites]
            return [*snakemake(arguments), "--keep-going", *run_files(arguments, suites)]


def snakemake(arguments: argparse.Namespace) -> list[str]:
    """Snakemake on the study, with as many epochs as there is time for."""
    config = yaml.safe_load(STUDY.read_text(encoding="utf-8"))
    config["compute"]["device"] = arguments.device
    # Small networks: many of them share one GPU, so that no job asks for one of its own.
    for stage in ("train", "attack", "evaluate"):
        config["compute"][stage].pop("gpu", None)
    training = config["training"]["default"]
    throughput = arguments.out / "throughput.json"
    if throughput.exists():
        measured = json.loads(throughput.read_text(encoding="utf-8"))
        possible = int(arguments.training_seconds / measured["seconds_of_an_adversarial_epoch"])
        epochs = max(1, min(training["epochs"], possible))
        training["step_epochs"] = max(1, round(training["step_epochs"] * epochs / training["epochs"]))
        training["epochs"] = epochs
    if arguments.small:
        training["epochs"] = 1
        config["experiments"]["cifar10-jpeg"] |= {"models": ["resnet_8_4"], "seeds": [0]}
        for suite in ("adversarial", "transfer", "corruption"):
            config["evaluation"][suite]["images"] = 10
        config["evaluation"]["autoattack"][0] |= {"images": 10, "attacks": ["apgd-ce"]}
    path = arguments.out / "study.yaml"
    # Written once: a study that goes on must ask for what it asked before.
    if not path.exists():
        path.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    # A profile of the default's own would ask for other cores.
    options = ["--cores", str(arguments.cores), "--scheduler", "greedy", "--rerun-incomplete"]
    return [sys.executable, "-m", "snakemake", "--configfile", str(path), *options]


def run_files(arguments: argparse.Namespace, names: list[str]) -> list[str]:
    """The files of these names in the folders of the study's runs; without names none, which is the whole study."""
    config = yaml.safe_load((arguments.out / "study.yaml").read_text(encoding="utf-8"))
    (experiment,) = config["experiments"].values()
    runs = product(experiment["datasets"], experiment["models"], experiment["seeds"], experiment["variants"])
    return [
        f"results/runs/{dataset}/{model}/{variant}/seed-{seed}/{name}"
        for dataset, model, seed, variant in runs
        for name in names
    ]


if __name__ == "__main__":
    main()
