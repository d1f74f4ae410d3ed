from datetime import date
from pathlib import Path

import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import write_json
from filterfreq.runtime.schemas import SCHEMAS, check_schema, check_values, load_schema, read_record


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.yaml")), ids=lambda path: path.name)
def test_every_schema_is_one(path):
    validator = load_schema(path)
    validator.check_schema(validator.schema)


@pytest.mark.parametrize("name", ["config", "claims"])
def test_what_people_write_has_a_hint_with_every_pattern(name):
    without = []

    def look(schema, where):
        if isinstance(schema, dict):
            if "pattern" in schema and not isinstance(schema["pattern"], dict) and "hint" not in schema:
                without.append(where)
            for key, part in schema.items():
                look(part, f"{where}.{key}")
        elif isinstance(schema, list):
            for part in schema:
                look(part, where)

    look(load_schema(SCHEMAS / f"{name}.schema.yaml").schema, name)
    assert without == []


def refusal(schema: dict, value) -> str:
    validator = load_schema(SCHEMAS / "published.schema.yaml").evolve(schema=schema)
    with pytest.raises(InputError) as caught:
        check_schema(validator, value, "it")
    return str(caught.value)


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"type": "integer"}, 1.0, "it: 1.0 has a point, it must be a whole number: write 1"),
        ({"type": "integer"}, 1.5, "it: 1.5 is a number, it must be a whole number"),
        ({"type": "integer"}, "7", "it: '7' is text, it must be a whole number: write 7"),
        ({"type": "integer"}, "1.5", "it: '1.5' is text, it must be a whole number"),
        ({"type": "integer"}, True, "it: True is yes or no, it must be a whole number"),
        ({"type": "number"}, True, "it: True is yes or no, it must be a number"),
        ({"type": "number"}, "1e-2", "it: '1e-2' is text, it must be a number: write 0.01"),
        ({"type": "number"}, "inf", "it: 'inf' is text, it must be a number"),
        ({"type": "number"}, "much", "it: 'much' is text, it must be a number"),
        ({"type": "string"}, 0.25, "it: 0.25 is a number, it must be text: write '0.25'"),
        ({"type": "string"}, False, "it: False is yes or no, it must be text: write it in quotes"),
        ({"type": "string"}, ["a"], "it: ['a'] is a list, it must be text"),
        ({"type": ["string", "number"]}, [1], "it: [1] is a list, it must be text or a number"),
        ({"type": "array"}, "plain", "it: 'plain' is text, it must be a list: write [plain]"),
        ({"type": "array"}, True, "it: True is yes or no, it must be a list: write [true]"),
        ({"type": "array"}, {"a": 1}, "it: {'a': 1} is a mapping, it must be a list"),
        ({"type": "array", "hint": "write [8]"}, 7, "it: 7 is a number, it must be a list: write [8]"),
        ({"type": "object"}, "clean", "it: 'clean' is text, it must be a mapping"),
        ({"type": "boolean"}, 1, "it: 1 is a number, it must be true or false"),
        ({"type": "null"}, 1, "it: 1 is a number, it must be null"),
        (
            {"not": {"multipleOf": 2}, "hint": "write an odd one"},
            2,
            "it: 2 cannot stand here: write an odd one",
        ),
        ({"pattern": "^a$"}, "b", "it: 'b' cannot stand here"),
        ({"pattern": "^a$", "hint": "write a"}, "b", "it: 'b' cannot stand here: write a"),
        ({"propertyNames": {"pattern": "^a$", "hint": "write a"}}, {"b": 1}, "it: 'b' cannot stand here: write a"),
        ({"type": "number"}, None, "it: has no value, write one"),
        ({"type": "object"}, None, "it: has no value, write one ({} for one without settings)"),
        ({"const": "a"}, "b", "it: 'b' is not 'a'"),
        (
            {"properties": {"new": {}}, "renamed": {"old": "new (1 or 2)"}, "additionalProperties": False},
            {"old": 1},
            "it: the key 'old' has another name now: write new (1 or 2)",
        ),
        (
            {"properties": {"new": {}}, "renamed": {"old": "new"}, "additionalProperties": False},
            {"ne": 1},
            "it: unknown key 'ne': did you mean 'new'?",
        ),
        ({"maximum": 3}, 4, "it: 4 is out of range, it must be at most 3"),
        ({"exclusiveMaximum": 3}, 3, "it: 3 is out of range, it must be less than 3"),
        ({"maxItems": 3}, [1] * 4, "it: has 4 values, it must have at most 3"),
        ({"minItems": 3}, [1], "it: has 1 values, it must have at least 3"),
        ({"minItems": 1}, [], "it: is empty, give at least one value"),
        ({"minLength": 1}, "", "it: is empty, write something"),
        ({"maxLength": 1}, "ab", "it: the text has 2 characters, it must have at most 1"),
        ({"uniqueItems": True}, [{"a": 1, "b": 2}, {"b": 2, "a": 1}], "it: has the same value twice"),
        ({"uniqueItems": True}, [1, 1.0], "it: has the same value twice"),
        (
            {"dependentRequired": {"b": ["a"], "c": ["a", "d"]}},
            {"a": 1, "b": 1, "c": 1},
            "it: 'd' is missing, which 'c' needs: write it, or leave 'c' out",
        ),
        ({"anyOf": [{"minimum": 1}, {"maximum": -1}], "hint": "hm"}, 0, "it: 0 cannot stand here: hm"),
        (
            {"properties": {"a": {}}, "refused": {"b": "'b' is for others"}, "additionalProperties": False},
            {"b": 1},
            "it: 'b' is for others",
        ),
    ],
)
def test_what_does_not_fit_is_a_sentence(schema, value, said):
    assert refusal(schema, value) == said


@pytest.mark.parametrize("value", [[1, "1"], [[1], [2]], [{}, []]])
def test_different_values_are_unique(value):
    check_schema(load_schema(SCHEMAS / "published.schema.yaml").evolve(schema={"uniqueItems": True}), value, "it")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [0, float("nan")]}, "a.1: nan is no finite number"),
        ({"a": -(2**63)}, "a: the number has more than 63 bits"),
        ({"a": int("9" * 4000)}, "a: the number has more than 63 bits"),
        ({"a": {3: 4}}, "a: the name 3 is not text to YAML, but a number"),
        ({"a": {"b\n": 4}}, r"a: 'b\n' holds a control character"),
        ({"a": "b\u202e"}, "holds a control character or a second line"),
        ({"a": "b" * 4097}, "a: the text has 4097 characters"),
        ({"a": date(2001, 1, 1)}, "a: a date means nothing here, write text in quotes or a number"),
        ({"a": b"x"}, "a: a bytes means nothing here"),
        (("a",), "config: a tuple means nothing here"),
    ],
)
def test_what_no_value_can_be(value, said):
    with pytest.raises(InputError) as caught:
        check_values(value, [])
    assert said in str(caught.value)


def test_what_values_can_be():
    check_values({"a": [None, True, 2**63 - 1, -0.5, "ü" * 4096, {"b": []}]}, [])


@pytest.mark.parametrize("depth", [60, 400, 900, *range(940, 1000, 3), 5000])
def test_a_record_that_is_deep(tmp_path, depth):
    """Up to about 1,000 levels are read, and then gone through."""
    path = tmp_path / "published.json"
    path.write_text('{"corruptions": ' + "[" * depth + "]" * depth + "}")
    with pytest.raises(InputError, match=r"published\.json is damaged .*: make it again$"):
        read_record(path, "published", "make it again")


def test_a_record_is_read_with_its_remedy(tmp_path: Path):
    path = tmp_path / "published.json"
    write_json(path, {"corruptions": ["fog"]})
    assert read_record(path, "published", "make it again") == {"corruptions": ["fog"]}
    write_json(path, {"corruptions": [7]})
    with pytest.raises(InputError, match=r"damaged .*\(corruptions\.0: 7 is a number, it must .*: make it again$"):
        read_record(path, "published", "make it again")
    write_json(path, {"corruption": []})
    with pytest.raises(InputError, match=r"\(it: unknown key 'corruption': did you mean .*\): make it again$"):
        read_record(path, "published", "make it again")
