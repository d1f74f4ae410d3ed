"""AugMix from its authors' description, with torchvision's functions of PIL images for the operations."""

import numpy as np
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F


def operate(name: str, picture: Image.Image, level: float, sign: int) -> Image.Image:
    """Return what one operation makes of an image at a level from 0 to 10; a sign of -1 turns the direction."""
    bilinear = {"interpolation": InterpolationMode.BILINEAR}

    def moved(**changed) -> Image.Image:
        # torchvision says where pixels go and in degrees, PIL where they come from.
        still = {"angle": 0, "translate": [0, 0], "scale": 1, "shear": [0, 0], "center": [0, 0]}
        return F.affine(picture, **{**still, **changed}, **bilinear)

    width, height = picture.size
    degrees = float(np.degrees(np.arctan(0.03 * level)))
    match name:
        case "autocontrast":
            return F.autocontrast(picture)
        case "equalize":
            return F.equalize(picture)
        case "posterize":
            return F.posterize(picture, 4 - int(0.4 * level))
        case "solarize":
            return F.solarize(picture, 256 - int(25.6 * level))
        case "rotate":
            return F.rotate(picture, sign * int(3 * level), **bilinear)
        case "shear_x":
            return moved(shear=[sign * degrees, 0])
        case "shear_y":
            return moved(shear=[0, sign * degrees])
        case "translate_x":
            return moved(translate=[-sign * int(level * width / 30), 0])
        case "translate_y":
            return moved(translate=[0, -sign * int(level * height / 30)])
    raise KeyError(name)


NAMES = (
    "autocontrast equalize posterize solarize rotate shear_x shear_y translate_x translate_y".split()  # noqa: SIM905
)


def augmix(image: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """Return the mixed image: float, H x W x 3, grey levels."""
    picture = Image.fromarray(image)
    share = rng.beta(1, 1)
    chains = rng.dirichlet([1, 1, 1])
    mixed = np.zeros(image.shape)
    for weight in chains:
        changed = picture
        for _ in range(rng.choice([1, 2, 3])):
            changed = operate(rng.choice(NAMES), changed, rng.uniform(0.1, severity), rng.choice([-1, 1]))
        mixed += weight * np.asarray(changed)
    return (1 - share) * image + share * mixed
