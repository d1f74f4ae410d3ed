"""Annotations of a few objects, whose measures are known in closed form."""

import numpy as np

SETTINGS = {"components": {"low": [4]}, "mask": "strict", "rescale": "none", "clip": False, "batch_size": 1}
BOX = (10.0, 20.0, 40.0, 40.0)


def annotations(*objects: tuple, images: int = 4) -> dict:
    """Annotations: of each object its image, its category, and its box; images are 1, 2, ..., categories 1 and 2."""
    return {
        "images": [{"id": number, "file_name": f"{number}.png"} for number in range(1, images + 1)],
        "categories": [{"id": 1, "name": "cup"}, {"id": 2, "name": "spoon"}],
        "annotations": [
            {"id": number, "image_id": image, "category_id": category, "bbox": list(box), "area": box[2] * box[3]}
            for number, (image, category, box) in enumerate(objects, start=1)
        ],
    }


def found(*detections: tuple) -> np.ndarray:
    """Detections: of each its image, its category, its box and its score."""
    rows = [(image, *box, score, category) for image, category, box, score in detections]
    return np.array(rows, dtype=float).reshape(-1, 7)
