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
        trivial = ["--snakefile", str(folder / "trivial.smk")]
        ours, touch = harness.alternate(
            lambda: plan(*paper, folder=folder), lambda: plan(*trivial, folder=folder), arguments.repeats
        )
    seeds = f", {arguments.seeds} seeds" if arguments.seeds else ""
    what = f"10. dry run of `paper`{seeds}, {count} jobs / touch jobs"
    section = "planning more seeds" if arguments.seeds else "planning"
    harness.publish(section, [harness.row(what, 1e3 * ours / count, 1e3 * touch / count, "ms a job", "<= 1.3")])


if __name__ == "__main__":
    main()
