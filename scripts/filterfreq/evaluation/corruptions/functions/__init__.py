"""The 15 common and 4 extra corruptions, each as a function of a whole block of images. Imports no torch.

They are those of Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations, ICLR 2019, as the package imagecorruptions-imaug computes them image by image; what it does contrary to
its own comments is done here too, and said at the function. Two are the released code's instead: snow is trimmed to the
image's size before it falls, and elastic_transform has the step that the package leaves out.

Those without chance equal the package's in every bit but for zoom_blur, and so do impulse_noise, glass_blur,
motion_blur, frost and spatter for the same random numbers. The others are computed in single precision: where rounding
decides, about one value in ten thousand or fewer differs by one grey level, and seldom one of snow by more, where the
noise lies at the threshold.

Every function of `FUNCTIONS` takes

- images: uint8, n x H x W x 3, RGB, at least 32 pixels high and wide. They do not influence each other.
- rng: where it draws from, image after image, so that the first images of a block come out alike however many follow.
  Those that leave nothing to chance draw nothing.
- its parameters, one row of a table of `filterfreq.evaluation.corruptions.severities`.

and returns uint8 of the same shape. Values are cut off, not rounded, as the package does. None changes its input.
"""

from collections.abc import Callable, Mapping

import numpy as np

from filterfreq.evaluation.corruptions.functions.blur import (
    defocus_blur,
    gaussian_blur,
    glass_blur,
    motion_blur,
    zoom_blur,
)
from filterfreq.evaluation.corruptions.functions.digital import (
    contrast,
    elastic_transform,
    jpeg_compression,
    pixelate,
    saturate,
)
from filterfreq.evaluation.corruptions.functions.noise import (
    gaussian_noise,
    impulse_noise,
    shot_noise,
    speckle_noise,
)
from filterfreq.evaluation.corruptions.functions.weather import brightness, fog, frost, snow, spatter

FUNCTIONS: Mapping[str, Callable[..., np.ndarray]] = {
    function.__name__: function
    for function in (
        gaussian_noise,
        shot_noise,
        impulse_noise,
        defocus_blur,
        glass_blur,
        motion_blur,
        zoom_blur,
        snow,
        frost,
        fog,
        brightness,
        contrast,
        elastic_transform,
        pixelate,
        jpeg_compression,
        speckle_noise,
        gaussian_blur,
        spatter,
        saturate,
    )
}
"""The corruptions by name: the common ones in the field's order, then the extra ones."""
