"""The registry of data sets of images whose objects are known as boxes.

COCO: Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from filterfreq.data.registry import Source

_MIRROR = "https://s3.amazonaws.com/images.cocodataset.org/"  # the same bucket, by a name that has a certificate


@dataclass(frozen=True)
class ObjectDataset:
    """What is known about a data set of objects.

    Attributes:
        name: the key in `OBJECT_DATASETS`.
        images: the archive of its images.
        image_folder: that archive unpacked, in a folder of the user's.
        annotations: the archive that has the file of annotations.
        annotation_file: that file's name in the archive, and in a folder of the user's.
        size: number of images.
        licence: the terms.
    """

    name: str
    images: Source
    image_folder: str
    annotations: Source
    annotation_file: str
    size: int
    licence: str

    @property
    def sources(self) -> tuple[Source, Source]:
        """The files to download."""
        return self.images, self.annotations


def _coco_source(path: str, sha256: str, size: int) -> Source:
    return Source(
        file=path.rpartition("/")[2],
        urls=(f"{_MIRROR}{path}", f"http://images.cocodataset.org/{path}"),
        checksum=f"sha256:{sha256}",
        size=size,
    )


OBJECT_DATASETS: Mapping[str, ObjectDataset] = {
    "coco-val2017": ObjectDataset(
        name="coco-val2017",
        images=_coco_source(
            "zips/val2017.zip", "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05", 815_585_330
        ),
        image_folder="val2017",
        annotations=_coco_source(
            "annotations/annotations_trainval2017.zip",
            "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
            252_907_541,
        ),
        annotation_file="annotations/instances_val2017.json",
        size=5_000,
        licence="annotations CC BY 4.0; images: each under the Flickr licence that its annotations name",
    )
}
"""By name. COCO publishes no checksums: these are those that several who use it state, and were not compared here."""
