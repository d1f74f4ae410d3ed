import pytest

from filterfreq.epsilon import parse_epsilon
from filterfreq.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [("2/255", 2 / 255), ("0.5", 0.5), (0.25, 0.25), ("0", 0.0), ("1e-3", 1e-3), ("0.25/255", 1 / 1020)],
)
def test_parse_epsilon(text, value):
    assert parse_epsilon(text) == value


REFUSED = ["-1/255", "2/0", "2/0.0", "two", "", "1/", "1/2/3", "nan", "inf", "inf/255", -0.5, "-0", "1e400", "9" * 5000]
# Of what a fraction of these would take hours and gigabytes.
REFUSED += ["1e999999999", "1/1e999999999", "0." + "3" * 10**6, "٣/255", "1_0/255", " 1/255"]


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_parse_epsilon_names_what_it_refuses(text):
    with pytest.raises(InputError, match="epsilon"):
        parse_epsilon(text)
