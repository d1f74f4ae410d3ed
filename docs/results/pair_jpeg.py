"""Lay 4,000 images of CIFAR-10 out twice, without loss and as JPEG files, for docs/results/jpeg.yaml.

    python docs/results/pair_jpeg.py cifar10_lossless_4000.npz cifar10_jpeg.tar.xz

The first file has `images` (uint8, 4000 x 32 x 32 x 3) and `labels`, training images 0 to 3999 in the official order;
of each class they are the first files of the second, in order.
"""

import sys
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

RAW = Path(__file__).parents[2] / "raw"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

lossless, jpeg = sys.argv[1:]
archive = np.load(lossless)
counts = Counter()
names = set()
for pixels, label in zip(archive["images"], archive["labels"], strict=True):
    name = f"{CLASSES[label]}/{counts[label]:04d}"
    path = RAW / "lossless" / "test" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    names.add(f"train/{name}.jpg")
    counts[label] += 1
with tarfile.open(jpeg) as files:
    for member in files:
        if member.name in names:
            path = RAW / "jpeg" / "test" / member.name.removeprefix("train/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files.extractfile(member).read())
