import pytest

from filterfreq.errors import InputError
from filterfreq.yaml_files import check_config_file, check_extent, read_yaml


def doubled(line: str, times: int) -> str:
    """A text in which each line uses the one before it twice."""
    return "a0: &a0 {k: x}\n" + "".join(line.format(old=i, new=i + 1) for i in range(times))


LARGE = {
    "lists": doubled("a{new}: &a{new} [*a{old}, *a{old}]\n", 60),
    "mappings": doubled("a{new}: &a{new} {{p: *a{old}, q: *a{old}}}\n", 60),
    "keys": doubled("a{new}: &a{new} {{? *a{old} : *a{old}}}\n", 60),
    "merge keys": doubled("a{new}: &a{new} {{<<: [*a{old}, *a{old}]}}\n", 60),
}
DEEP = {
    "deep lists": "a: " + "[" * 60 + "]" * 60,
    "deep mappings": "a: " + "{b: " * 60 + "1" + "}" * 60,
    "a chain of aliases": "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 60)),
}
LOOPS = {"list": "a: &a [*a]", "mapping": "a: &a {b: *a}", "longer": "a: &a {b: [{c: *a}]}"}
NO_YAML = {
    "two documents": ("a: 1\n---\nb: 2\n", "line 2: expected a single document in the stream, but found another"),
    "tab": ("a:\n\tb: 1\n", "line 2: while scanning for the next token, found"),
    "zero": ("a: \0", "unacceptable character"),
    "a tag of Python": (
        "a: !!python/object/apply:os.system ['touch pwned']",
        "line 1: could not determine a construct",
    ),
    "another tag": ("a: !x 1", "line 1: could not determine a constructor"),
    "unknown alias": ("a: *b", "line 1: found undefined alias"),
    "unhashable key": ("{[a]: 1}", "line 1: while constructing a mapping, found unhashable key"),
    "merge of text": ("{<<: a}", "expected a mapping or list of mappings for merging"),
}
DAMAGED = {
    "no UTF-8": b"a: \xff\xfe",
    "much deeper": b"[" * 5000,
    "5,000 digits": b"a: " + b"9" * 5000,
    "no date": b"a: 2001-99-99",
}


def refusal(tmp_path, content: str | bytes) -> str:
    path = tmp_path / "claims.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_yaml(path, "correct it")
    said = str(caught.value)
    assert said.startswith(f"{path}")
    assert len(said.splitlines()) == 1
    assert len(said) < 600
    return said


@pytest.mark.parametrize("case", LARGE)
def test_aliases_count_wherever_they_are_used(tmp_path, case):
    assert "it holds more than 100000 values" in refusal(tmp_path, LARGE[case])


@pytest.mark.parametrize("case", DEEP)
def test_what_is_too_deep(tmp_path, case):
    assert "more than 50 deep in each other: unnest it" in refusal(tmp_path, DEEP[case])


@pytest.mark.parametrize("case", LOOPS)
def test_what_holds_itself(tmp_path, case):
    assert "an alias stands inside what it stands for: write out" in refusal(tmp_path, LOOPS[case])


@pytest.mark.parametrize("case", NO_YAML)
def test_what_is_no_yaml_is_said_with_its_line(tmp_path, case):
    content, reason = NO_YAML[case]
    said = refusal(tmp_path, content)
    assert "claims.yaml is no YAML (" in said
    assert reason in said
    assert said.endswith(": correct it")


@pytest.mark.parametrize("case", DAMAGED)
def test_other_faults_are_sentences(tmp_path, case):
    assert refusal(tmp_path, DAMAGED[case]).endswith("): correct it")


def test_a_large_file(tmp_path):
    assert "larger than 200000 bytes" in refusal(tmp_path, "# comment\n" * 5_000_000)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"claims\.yaml is missing: correct it"):
        read_yaml(tmp_path / "claims.yaml", "correct it")


def test_plain_yaml_comes_back(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: &a {b: [1, 2.5, x, true, null]}\nc: *a\nd: {<<: *a, e: 1}\n")
    inner = {"b": [1, 2.5, "x", True, None]}
    assert read_yaml(path, "correct it") == {"a": inner, "c": inner, "d": {**inner, "e": 1}}
    path.write_text("")
    assert read_yaml(path, "correct it") is None


def test_a_config_that_snakemake_would_run_as_python_is_refused(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("__use_yte__: true\na: ?1\n")
    with pytest.raises(InputError, match=r"config\.yaml: __use_yte__ would have Snakemake run text .*: take it out"):
        check_config_file(path)
    path.write_text("a: ?1\n")
    check_config_file(path)


def nested(kind: type, times: int):
    value = kind(["x"]) if kind is not dict else {"k": "x"}
    for _ in range(times):
        value = {"p": value, "q": value} if kind is dict else kind([value, value])
    return value


@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_a_config_is_measured_before_it_is_gone_through(kind):
    check_extent({"a": nested(kind, 10)})
    with pytest.raises(InputError, match=r"^config: it holds more than 100000 values"):
        check_extent({"a": nested(kind, 40)})
    loop: list = []
    loop.append({"b": loop})
    with pytest.raises(InputError, match=r"^config: an alias stands inside"):
        check_extent({"a": loop})
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InputError, match=r"^config: its lists and objects are more than 50 deep"):
        check_extent({"a": deep})
