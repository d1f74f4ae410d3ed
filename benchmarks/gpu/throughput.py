"""Seconds of an epoch when a study's trainings share one GPU, each in a process of its own.

python benchmarks/gpu/throughput.py --processes 15 --out results/gpu/throughput.json
python benchmarks/gpu/throughput.py --device cpu --processes 2 --images 500 --model resnet_8_4
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
from pathlib import Path

import numpy as np

BENCHMARKS = Path(__file__).parents[1]
sys.path.insert(0, str(BENCHMARKS))

VARIANTS = (
    {},
    {"decomposition": "weight"},
    {"decomposition": "weight", "penalty": {"kind": "highest", "strength": 0.01, "layers": "third"}},
    {"decomposition": "weight", "penalty": {"kind": "all", "strength": 0.01, "layers": "third"}},
    {"adversarial_training": {"attack": "fgsm", "norm": "linf", "epsilon": "8/255", "random_start": True}},
)


def main() -> None:
    """Measure, and write a JSON object: median seconds of an epoch without and with adversarial training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--model", default="resnet_20")
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--processes", type=int, default=15)
    parser.add_argument("--cuda-graphs", action="store_true", help="take steps as CUDA graphs")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(arguments.processes)
    measured = context.Queue()
    processes = [
        context.Process(target=train, args=(arguments, number, together, measured))
        for number in range(arguments.processes)
    ]
    for process in processes:
        process.start()
    seconds = dict(measured.get(timeout=240) for _ in processes)
    for process in processes:
        process.join()
    adversarial = [seconds[number] for number in seconds if "adversarial_training" in variant(number)]
    clean = [seconds[number] for number in seconds if "adversarial_training" not in variant(number)]
    result = {
        "model": arguments.model,
        "processes": arguments.processes,
        "cuda_graphs": arguments.cuda_graphs,
        "seconds_of_an_epoch": float(np.median(clean)),
        "seconds_of_an_adversarial_epoch": float(np.median(adversarial)) if adversarial else None,
    }
    print(json.dumps(result))
    if arguments.out:
        arguments.out.write_text(json.dumps(result), encoding="utf-8")


def variant(number: int) -> dict:
    """What the training of a number trains."""
    return VARIANTS[number % len(VARIANTS)]


def train(arguments: argparse.Namespace, number: int, together, measured) -> None:
    """Train when all are ready, and say what an epoch after the first took."""
    # Which also makes the pipeline's package importable.
    from training import learnable_dataset, made_spec, timed_trainer

    from filterfreq.models.device import use_device

    compute = {"device": arguments.device, "on_gpu": {"cuda_graphs": arguments.cuda_graphs}}
    device = use_device(compute, 1)
    dataset = learnable_dataset(arguments.images)
    spec = made_spec(arguments.model, variant(number), number, arguments.epochs, arguments.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        trainer, ends = timed_trainer(spec, dataset, compute, device, Path(folder))
        together.wait()
        trainer.train()
    measured.put((number, float(np.median(np.diff(ends)))))


if __name__ == "__main__":
    main()
