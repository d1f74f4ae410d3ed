import pytest

from filterfreq.runtime.errors import InputError
from filterfreq.training.epsilon import check_bounds, parse_epsilon


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


@pytest.mark.parametrize(
    ("epsilon", "norm", "size", "advice"),
    [
        ("8", "linf", None, "as in 8/255"),
        ("1", "linf", 32, "as in 1/255"),
        ("255/255", "linf", 32, "as in 8/255"),
        ("2040/255", "linf", 32, "as in 8/255"),
        ("128", "l2", 32, "images of 32 x 32 pixels are 55.43 apart: .* as in 128/255"),
        ("389", "l2", 224, "388 apart"),
    ],
)
def test_a_ball_around_all_images_is_refused(epsilon, norm, size, advice):
    with pytest.raises(InputError, match=f"^epsilon {epsilon} bounds nothing, .*{advice}"):
        check_bounds(epsilon, norm, size)


@pytest.mark.parametrize(
    ("epsilon", "norm", "size"),
    [("254/255", "linf", 32), ("55.4", "l2", 32), ("387.9", "l2", 224), ("128", "l2", 224), ("128", "l2", None)],
)
def test_a_ball_that_leaves_images_out_is_fine(epsilon, norm, size):
    check_bounds(epsilon, norm, size)
