"""What is looked at on Snakemake's command line before Snakemake itself reads any of it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.yaml_files import check_config_file, check_config_text

_YAML = (".yaml", ".yml")


def check_command_line(arguments: Sequence[str]) -> None:
    """Check the config of a command line: its files, and its single values.

    Snakemake meets a missing file with a traceback and may take hours over a small one. A target among the files is
    taken for one too, because the option takes every word up to the next option. Of an option that is there twice, and
    of a key, Snakemake takes the last alone.

    Args:
        arguments: those of Snakemake.

    Raises:
        InputError: a file is missing, is a target, or cannot be read; an option or a key is there twice, or a value has
            no key.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", action="append", default=[], dest="files")
    parser.add_argument("--config", "-C", nargs="*", action="append", default=[], dest="values")
    found = parser.parse_known_args(arguments)[0]
    files = [file for group in found.files for file in group]
    for file in files:
        # A result that is there is a target too, also one in JSON.
        is_result = Path(file).parts[0] == "results" and not file.endswith(_YAML)
        if Path(file).exists() and not is_result:
            check_config_file(file)
        elif file.endswith((*_YAML, ".json")) and not is_result:
            raise InputError(f"there is no config file {file!r}: correct the path after --configfile")
        else:
            config = files[0] if files[0] != file else "FILE"
            raise InputError(
                f"{file!r} is no config file, and --configfile takes every word up to the next option: "
                f"put targets first, as in snakemake {file} --configfile {config}"
            )
    for option, groups in {"--configfile": found.files, "--config": found.values}.items():
        if len(groups) > 1:
            raise InputError(
                f"{option} is there twice, and the last one alone would count: give all after one {option}"
            )
    keys = set()
    for key, equals, value in (entry.partition("=") for group in found.values for entry in group):
        if not equals:
            raise InputError(
                f"{key!r} is no key=value, and --config takes every word up to the next option: "
                f"put targets first, as in snakemake {key} --config KEY=VALUE"
            )
        if key in keys:
            raise InputError(f"--config has the key {key} twice: take one of them out")
        keys.add(key)
        check_config_text(value, f"--config {key}")
