"""What `snakemake -n` costs on the paper's matrix, against as many jobs that only touch a file (row 10).

python benchmarks/planning.py
python benchmarks/planning.py --seeds 20
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import harness
import yaml

TRIVIAL = """
rule all:
    input: expand("made/{{number}}", number=range({count})),

rule touch:
    output: "made/{{number}}",
    shell: "touch {{output}}"
"""


# The same jobs with what a rule of the workflow declares, and four inputs that another job makes.
DECLARED = """
rule all:
    input: expand("made/{{number}}", number=range({count})),

rule base:
    output: "a", "b", "c", "d",
    shell: "touch {{output}}"

rule touch:
    input: a="a", b=ancient("b"), c="c", d="d",
    output: "made/{{number}}",
    log: "logs/{{number}}.log",
    benchmark: "benchmarks/{{number}}.tsv"
    conda: "{project}/envs/evaluate.yaml"
    threads: 4
    resources: mem_mb=8000, runtime=240, gpu=1,
    params: code="version",
    script: "{project}/scripts/evaluate_clean.py"
"""


def plan(*options: str, folder: Path) -> subprocess.CompletedProcess:
    """Run `snakemake -n` in a folder."""
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--directory", str(folder), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True)


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, help="plan the matrix with this many seeds instead of its own")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        config = yaml.safe_load((harness.PROJECT / "config.yaml").read_text())
        if arguments.seeds:
            for experiment in config["experiments"].values():
                experiment["seeds"] = list(range(arguments.seeds))
        (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        paper = ["paper", "--snakefile", str(harness.PROJECT / "Snakefile")]
        planned = plan(*paper, folder=folder)
        count = int(re.search(r"^total\s+(\d+)$", planned.stdout + planned.stderr, re.MULTILINE)[1])
        (folder / "trivial.smk").write_text(TRIVIAL.format(count=count - 1))
        (folder / "declared.smk").write_text(DECLARED.format(count=count - 2, project=harness.PROJECT))
        times = [
            harness.alternate(
                lambda: plan(*paper, folder=folder),
                lambda name=name: plan("--snakefile", str(folder / name), folder=folder),
                arguments.repeats,
            )
            for name in ("trivial.smk", "declared.smk")
        ]
    seeds = f", {arguments.seeds} seeds" if arguments.seeds else ""
    baselines = ("touch jobs", "touch jobs that declare as much")
    rows = [
        harness.row(
            f"dry run of `paper`{seeds}, {count} jobs / {baseline}",
            *(1e3 * seconds / count for seconds in pair),
            "ms a job",
        )
        for baseline, pair in zip(baselines, times, strict=True)
    ]
    harness.publish("planning more seeds" if arguments.seeds else "planning", rows)


if __name__ == "__main__":
    main()
