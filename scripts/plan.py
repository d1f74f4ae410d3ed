"""Say what is still due and what it will take, before anything is spent on it.

    python scripts/plan.py --profile profiles/slurm --gpus 8

All other arguments are Snakemake's, as in the command that is to be planned. Times are those of finished jobs, or else
those that `snakemake calibrate` measured. The plan goes into results/plans/<name of the config>/plan.json, too.
"""

import argparse
import os
import sys

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.modules import import_modules

try:
    # With the registries, in which anybody may have made a mistake.
    import_modules(["filterfreq.planning.plan"])
except InputError as error:
    sys.exit(f"error: {error}")

from filterfreq.planning.due import read_dag
from filterfreq.planning.plan import describe_plan, describe_status, make_plan, write_plan
from filterfreq.planning.records import CALIBRATION, read_calibration
from filterfreq.study.file_checks import absent_raw_data


def main() -> None:
    """Print and write the plan, or print how far the run is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--gpus", type=int, nargs="+", default=(), metavar="N", help="wall time with so many GPUs")
    parser.add_argument("--device", help="the calibrated device to plan for, by default the last one")
    parser.add_argument("--status", action="store_true", help="write no plan, say how far the run is")
    own, arguments = parser.parse_known_args()
    try:
        dag = read_dag(arguments)
        # That of --directory, in which the workflow has its results.
        os.chdir(dag.folder)
        calibration = read_calibration(CALIBRATION, own.device)
        if own.status:
            print(describe_status(dag, calibration))
        elif dag.due:
            plan = make_plan(dag, calibration, own.gpus)
            write_plan(plan, dag, dag.plan)
            print(describe_plan(plan) + f"Written to {dag.plan}")
            for sentence in absent_raw_data(dag.study).values():
                print(f"Before this can run: {sentence}.")
        else:
            print("Nothing is due.")
    except InputError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
