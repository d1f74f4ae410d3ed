import pytest
import yaml

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.yaml_files import check_config_file, check_extent, read_yaml


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
}
NUMBER, QUOTES = "write a finite number in plain digits", "or put it in quotes where text is meant"
PLAIN = "write a number without leading zeros, as 10, 0.01 or 1.0e-2"
# What stands there, what YAML makes of it, and what is said.
MISREAD = {
    "octal": ("010", 8, f"010 is the number 8 to YAML: {NUMBER}, {QUOTES}"),
    "negative octal": ("-010", -8, f"-010 is the number -8 to YAML: {NUMBER}, {QUOTES}"),
    "only zeros": ("000", 0, f"000 is the number 0 to YAML: {NUMBER}, {QUOTES}"),
    "an octal number with a tag": ("!!int '010'", 8, f"010 is the number 8 to YAML: {NUMBER}, {QUOTES}"),
    "base 60": ("1:30", 90, f"1:30 is the number 90 to YAML: {NUMBER}, {QUOTES}"),
    "a fraction in base 60": ("1:30.5", 90.5, f"1:30.5 is the number 90.5 to YAML: {NUMBER}, {QUOTES}"),
    "underscores": ("1_000", 1000, f"1_000 is the number 1000 to YAML: {NUMBER}, {QUOTES}"),
    "underscores after a point": ("0.1_5", 0.15, f"0.1_5 is the number 0.15 to YAML: {NUMBER}, {QUOTES}"),
    "hexadecimal": ("0x10", 16, f"0x10 is the number 16 to YAML: {NUMBER}, {QUOTES}"),
    "binary": ("0b11", 3, f"0b11 is the number 3 to YAML: {NUMBER}, {QUOTES}"),
    "infinity": ("-.inf", float("-inf"), f"-.inf is the number -inf to YAML: {NUMBER}, {QUOTES}"),
    "no": ("no", False, f"no is false to YAML: write false, {QUOTES}"),
    "On": ("On", True, f"On is true to YAML: write true, {QUOTES}"),
    "tilde": ("~", None, f"~ is nothing to YAML: write a value, {QUOTES}"),
    "an exponent without a point": ("1e-2", "1e-2", f"1e-2 is text to YAML: {PLAIN}, {QUOTES}"),
    "an exponent without a sign": ("1.5e3", "1.5e3", f"1.5e3 is text to YAML: {PLAIN}, {QUOTES}"),
    "no octal number": ("08", "08", f"08 is text to YAML: {PLAIN}, {QUOTES}"),
    "an octal number of Python": ("0o17", "0o17", f"0o17 is text to YAML: {PLAIN}, {QUOTES}"),
    "a set": ("!!set {b}", {"b"}, "k.1 has the tag !!set, which means nothing here: take it out"),
    "bytes": ("!!binary eA==", b"x", "k.1 has the tag !!binary, which means nothing here: take it out"),
}
TWICE = {
    "at the top": ("a: 1\nb: 2\na: 3\n", "line 3: a is there already, in line 1: take one of them out"),
    "in quotes": ("a:\n  b: 1\n  'b': 2\n", "line 3: a.b is there already, in line 2: take one of them out"),
    "in braces": ("a: [{b: 1, b: 1}]", "line 1: a.0.b is there already, in line 1: take one of them out"),
    "<<": ("a: &a {b: 1}\nc:\n  <<: *a\n  <<: *a\n", "line 4: c.<< is there already, in line 3: write <<: [*a, *b]"),
    "merged from two": (
        "a: &a {k: 1}\nb: &b {k: 2}\nc: {<<: [*a, *b]}\n",
        "line 3: c merges two objects that both have the key k: write k beside << as it is meant",
    ),
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


@pytest.mark.parametrize("case", MISREAD)
def test_what_yaml_takes_for_something_else_is_refused(tmp_path, case):
    text, value, said = MISREAD[case]
    content = f"j: x\nk: [0, {text}]\n"
    assert yaml.safe_load(content) == {"j": "x", "k": [0, value]}
    path = tmp_path / "claims.yaml"
    assert refusal(tmp_path, content) == f"{path}, line 2: {'' if said.startswith('k.1') else 'k.1: '}{said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2001-02-03", "2001-02-03 is a date to YAML: put it in quotes"),
        ("2001-99-99", "2001-99-99 is a date to YAML: put it in quotes"),
        ("=", "= is a mark of YAML's own: put it in quotes"),
    ],
)
def test_dates_and_marks_belong_in_quotes(tmp_path, text, said):
    assert refusal(tmp_path, f"a: {{b: {text}}}").endswith(f"claims.yaml, line 1: a.b: {said}")


@pytest.mark.parametrize("key", ["no", "On", "10", "1.10", "010", "2001-02-03", "~", "null", "true"])
def test_a_key_is_text(tmp_path, key):
    said = refusal(tmp_path, f"a:\n  {key}: 1\n")
    assert said.endswith(f"line 2: a has the key {key}, which is no text to YAML: put it in quotes")


@pytest.mark.parametrize("case", TWICE)
def test_a_key_that_is_there_twice_is_refused(tmp_path, case):
    content, said = TWICE[case]
    assert refusal(tmp_path, content) == f"{tmp_path / 'claims.yaml'}, {said}"


def test_what_everybody_reads_alike_comes_back(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: [0, -5, 1.5, .5, 1.0e-3, True, false, null, '010', \"1e-2\", 8/255, 12ab, y, 1.2.3, a:b]\nb:\n")
    numbers = [0, -5, 1.5, 0.5, 0.001, True, False, None]
    assert read_yaml(path, "") == {"a": [*numbers, "010", "1e-2", "8/255", "12ab", "y", "1.2.3", "a:b"], "b": None}
    # Beside what is merged a key may be there again, and what reaches it by two ways is one.
    path.write_text("a: &a {k: 1}\nb: &b {<<: *a, l: 2}\nc: &c {<<: *a, m: 3}\nd: {<<: [*b, *c], m: 4}\n")
    assert read_yaml(path, "")["d"] == {"k": 1, "l": 2, "m": 4}


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
    other = tmp_path / "config.json"
    other.write_text('{"a": {"b": 1, "c": 2, "b": 3}}')
    with pytest.raises(
        InputError, match=r"config\.json is damaged .*the key 'b' is there twice in one object.*: correct it"
    ):
        check_config_file(other)


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


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000])
def test_a_number_of_thousands_of_digits_is_one_sentence(tmp_path, number):
    (tmp_path / "claims.yaml").write_text(f"a: {number}")
    with pytest.raises(InputError, match=rf"is a number of {len(number)} characters to YAML: write a smaller one"):
        read_yaml(tmp_path / "claims.yaml", "correct it")
