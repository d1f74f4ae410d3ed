import pytest

from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.runtime.text import LONGEST, is_one_line, one_line

HOSTILE = {
    "end of line": ("a\nINFO all is well", "a\\nINFO all is well"),
    "carriage return": ("a\rb", "a\\rb"),
    "escape": ("\x1b[2J", "\\x1b[2J"),
    "bell of the other table": ("\x9b", "\\x9b"),
    "separator of lines": ("a\u2028b", "a\\u2028b"),
    "turned reading": ("gnp\u202e.exe", "gnp\\u202e.exe"),
    "no UTF-8": ("a\udcffb", "a\\udcffb"),
    "zero": ("a\0b", "a\\x00b"),
}
HARMLESS = ("λ = 0.01", "naïve", "שלום\u200f!", "\U0001f468\u200d\U0001f469", "a\u00a0b", "10 %", "\\n", "")


@pytest.mark.parametrize("case", HOSTILE)
def test_what_a_terminal_would_obey_is_escaped(case):
    text, escaped = HOSTILE[case]
    assert not is_one_line(text)
    assert one_line(text) == escaped
    assert is_one_line(one_line(text))
    assert str(InputError(f"x: {text}")) == f"x: {escaped}"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(text):
    assert is_one_line(text)
    assert one_line(text) == text


@pytest.mark.parametrize("character", ["x", "\n", "\u202e"])
def test_a_long_sentence_keeps_its_beginning_and_its_remedy(character):
    said = str(InputError(f"model.pt: {character * 500_000}: download it again"))
    assert len(said) <= LONGEST
    assert said.startswith("model.pt: ")
    assert said.endswith(": download it again")
    assert " [...] " in said


def test_of_many_names_only_the_first_are_listed():
    said = str(unknown_name("model", "zzz", [f"model_{number}" for number in range(500)]))
    assert said.endswith("model_39 or 460 more")
    assert "choose one of model_0, model_1," in said


def test_a_number_is_no_slip_for_another():
    assert str(unknown_name("bandwidth", 3, ["0", "33"])) == "unknown bandwidth '3': choose one of 0, 33"


def test_where_no_name_is_known_that_is_said():
    assert str(unknown_name("setting", "a", [])) == "unknown setting 'a': there is none"


def test_an_unknown_name_is_one_line_and_short():
    said = str(unknown_name("model", "a\n" * 1000, ["b"]))
    assert is_one_line(said)
    assert len(said) < 200
