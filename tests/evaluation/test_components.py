from itertools import product

import numpy as np
import pytest
import torch

from filterfreq.evaluation.components import ComponentViews, common_radii, only_high_flags


def test_an_image_counts_where_it_is_right_and_its_high_component_is_and_its_low_one_is_not():
    names = [("high", 4), ("low", 8.0), ("low", 4), ("high", 8), ("leading", 4)]
    right = np.array(list(product([False, True], repeat=6))).T
    for radius, low, high in ((4, 3, 1), (8, 2, 4)):
        expected = [case[0] and case[high] and not case[low] for case in right.T]
        assert only_high_flags(right, names, radius).tolist() == expected
        assert only_high_flags(torch.from_numpy(right), names, radius).tolist() == expected


def test_radii_that_one_filter_alone_has_are_not_compared():
    assert common_radii({"low": [8, 4, 2], "high": [4, 8.0, 16]}) == [8, 4]
    assert common_radii({"low": [4]}) == []


@pytest.mark.parametrize(("height", "width"), [(28, 28), (9, 14), (14, 9)])
@pytest.mark.parametrize("rescale", ["none", "released"])
def test_the_views_of_grey_and_oblong_images_are_in_the_order_of_their_names(height, width, rescale):
    """Three equal channels stay equal, and the sum of two components is the image, but where they are rescaled."""
    grey = torch.rand((2, 1, height, width), generator=torch.Generator().manual_seed(0))
    images = grey.expand(2, 3, height, width)
    radii = {"low": [3], "high": [3]}
    views = ComponentViews(height, width, radii, [2], rescale=rescale, clip=False, keep_mean=False)
    assert views.names == [("low", 3), ("high", 3), ("leading", 2), ("trailing", 2)]
    made = list(views.make(images))
    for one in made:
        assert one.shape == images.shape
        torch.testing.assert_close(one, one[:, :1].expand_as(one))
    low, high, leading, trailing = made
    if rescale == "none":
        torch.testing.assert_close(low + high, images)
        torch.testing.assert_close(leading + trailing, images)
    else:
        assert all(one.amax(dim=(1, 2, 3)).tolist() == [1, 1] for one in made)
