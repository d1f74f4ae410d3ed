import json

import pytest

from filterfreq.runtime.command_line import check_command_line
from filterfreq.runtime.errors import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text("a: 1")
    (tmp_path / "other.json").write_text(json.dumps({"a": 1}, indent="\t"))
    (tmp_path / "half.json").write_text("{")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "made.csv").write_text("suite,value\n")
    (tmp_path / "results" / "run.json").write_text("{}")
    (tmp_path / "python.yml").write_text("__use_yte__: true")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--configfile", "study.yaml", "table_main"],
            "'table_main' is no config file, and --configfile takes every word up to the next option: "
            "put targets first, as in snakemake table_main --configfile study.yaml",
        ),
        (["--configfile", "study.yaml", "results/made.csv"], "'results/made.csv' is no config file, .* put targets"),
        (["--configfile", "study.yaml", "results/run.json"], "'results/run.json' is no config file, .* put targets"),
        (["--configfile", "study.yaml", "results/no.json"], "'results/no.json' is no config file, .* put targets"),
        (["--configfiles", "tables", "-n"], "'tables' is no config file, .* snakemake tables --configfile FILE"),
        (["-n", "--configfile", "studie.yaml"], "there is no config file 'studie.yaml': correct the path"),
        (["--configfile=studie.yml"], "there is no config file 'studie.yml'"),
        (["--configfile", "study.yaml", "other.jsn"], "'other.jsn' is no config file"),
        (["--configfile", "half.json"], r"half\.json is damaged or not what it should be .*: correct it"),
        (["--configfile", "study.yaml", "-n", "--configfile", "python.yml"], "__use_yte__ would have Snakemake run"),
        (
            ["--configfile", "study.yaml", "-n", "--configfiles", "other.json"],
            "--configfile is there twice, and the last one alone would count: give all after one --configfile",
        ),
        (["--config", "a=1", "-n", "-C", "b=1"], "--config is there twice, and the last one alone would count"),
        (["--config", "a=1", "b=2", "a=3"], "^--config has the key a twice: take one of them out$"),
        (
            ["--config", "a=1", "table_main"],
            "^'table_main' is no key=value, and --config takes every word .* put targets",
        ),
        (["-C", f"a={'[' * 5000}"], "^--config a is damaged or not what it should be .*: correct it$"),
        (["-C", "a={b: 1, 'b': 2}"], "^--config a, line 1: b is there already, in line 1: take one of them out$"),
    ],
)
def test_what_is_no_config_file_is_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        check_command_line(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-n", "table_main"],
        ["table_main", "--configfile", "study.yaml", "other.json", "--cores", "2"],
        ["--configfile=study.yaml", "table_main"],
        ["--config", "a=1", "--profile", "profiles/demo"],
        ["--config", "a={b: 010, c: {b: no}}", "d=]", "e=f=g"],
    ],
)
def test_what_snakemake_understands_passes(arguments):
    check_command_line(arguments)
