import pytest

from filterfreq.epsilon import parse_epsilon
from filterfreq.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [("2/255", 2 / 255), ("0.5", 0.5), (0.25, 0.25), ("0", 0.0), ("1e-3", 1e-3), ("0.25/255", 1 / 1020)],
)
def test_parse_epsilon(text, value):
    assert parse_epsilon(text) == value


@pytest.mark.parametrize("text", ["-1/255", "2/0", "two", "", "1/", "1/2/3", "nan", "inf", -0.5])
def test_parse_epsilon_names_what_it_refuses(text):
    with pytest.raises(InputError, match="epsilon"):
        parse_epsilon(text)
