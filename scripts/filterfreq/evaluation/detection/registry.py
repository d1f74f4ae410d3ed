"""What configuration, planning and publishing must know of detection. Imports no torch."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from filterfreq.evaluation.registry import Measurement, Metric

DETECTORS: Mapping[str, tuple[str, ...]] = {
    "retinanet_resnet50_fpn": ("COCO_V1",),
    "retinanet_resnet50_fpn_v2": ("COCO_V1",),
}
"""torchvision's detectors that can be measured, with the names of their trained weights."""

BYTES_OF_AN_IMAGE = 300 * 7 * 8
"""What is kept of one image in one pass at most: of torchvision's 300 detections seven numbers each."""

RUN = "filterfreq.evaluation.detection.scoring:score"

_KEYS = {"keys": ("pass",), "optional": ("radius", "mask", "rescale", "clip")}

DETECTION: Mapping[str, Measurement] = {
    "detection": Measurement(
        run=RUN,
        metrics={
            **{name: Metric(**_KEYS) for name in ("mAP", "mAP_50", "mAP_75", "mAP_small", "mAP_medium", "mAP_large")},
            "better_than_original": Metric(**_KEYS),
            "image_mAP": Metric(("image", *_KEYS["keys"]), _KEYS["optional"]),
        },
        types={"radius": float},
    )
}
"""By the name that the column `suite` has.

`mAP` is COCO's: the average precision at 101 recalls, averaged over the thresholds of the intersection over union .5,
.55, ..., .95 and over the categories that have objects. `mAP_50` and `mAP_75` are at one threshold; `mAP_small`,
`mAP_medium` and `mAP_large` are of objects of at most 32^2, of 32^2 to 96^2, and of more square pixels.
`better_than_original` is the share of images whose image mAP, see `filterfreq.evaluation.detection.scoring`, is higher
on the component than on the image itself; n are the images that have objects. `image_mAP` has a row for each of these,
`image` being its number, so that claims can compare passes over images.
"""


class Pass(NamedTuple):
    """One way in which each image is shown to a detector.

    Attributes:
        kind: "original", "low" or "high".
        radius: of a component, in cycles per image.
    """

    kind: str
    radius: float | None = None

    @property
    def name(self) -> str:
        """The pass in one word: "low-128"."""
        return self.kind if self.radius is None else f"{self.kind}-{self.radius:g}"

    def pairs(self, settings: Mapping[str, Any]) -> dict[str, str]:
        """The pass as a parameter of results has it, with what makes its component."""
        if self.radius is None:
            return {"pass": self.kind}
        made = {"mask": settings["mask"], "rescale": settings["rescale"], "clip": str(settings["clip"]).lower()}
        return {"pass": self.kind, "radius": f"{self.radius:g}", **made}


def passes(components: Mapping[str, Iterable[float]]) -> list[Pass]:
    """Return in which ways each image is shown: whole, then each component.

    Args:
        components: the radii of each kind, "low" and "high".
    """
    return [Pass("original"), *(Pass(kind, radius) for kind, radii in components.items() for radius in radii)]
