"""What is looked at on Snakemake's command line before Snakemake itself reads any of it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from filterfreq.errors import InputError
from filterfreq.files import read_json
from filterfreq.yaml_files import check_config_file

_SUFFIXES = (".yaml", ".yml", ".json")


def check_command_line(arguments: Sequence[str]) -> None:
    """Check the config files of a command line.

    Snakemake meets a missing one with a traceback and may take hours over a small one. A target among them is taken for
    one too, because the option takes every word up to the next option.

    Args:
        arguments: those of Snakemake.

    Raises:
        InputError: a file is missing, is a target, or cannot be read.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="extend", default=[], dest="files")
    files = parser.parse_known_args(arguments)[0].files
    for file in files:
        if Path(file).exists():
            if file.endswith(".json"):
                read_json(file, "correct it")
            else:
                check_config_file(file)
        elif file.endswith(_SUFFIXES):
            raise InputError(f"there is no config file {file!r}: correct the path after --configfile")
        else:
            config = files[0] if files[0] != file else "FILE"
            raise InputError(
                f"{file!r} is no config file, and --configfile takes every word up to the next option: "
                f"put targets first, as in snakemake {file} --configfile {config}"
            )
