"""What a detector is measured with: files that are checked before anything is computed."""

from collections.abc import Mapping
from pathlib import Path

from filterfreq.data.download import verify
from filterfreq.data.objects import OBJECT_DATASETS
from filterfreq.models.pretrained import check_downloads
from filterfreq.runtime.files import reading, sha256


def verify_inputs(inputs: Mapping[str, str], known: str | None) -> dict[str, str]:
    """Check the files of a detection, and return the SHA-256 of each that is no folder.

    Args:
        inputs: paths of the images and the annotations, and of the detector's weights: a file, or the record and the
            folder of what was downloaded.
        known: the data set's name in the registry; None of one's own.

    Raises:
        InputError: a file is missing, or is not the one that the registry or the record of its download describes.
    """
    sources = {source.file: source for source in OBJECT_DATASETS[known].sources} if known else {}
    found = {}
    for key in ("images", "annotations", "file"):
        path = Path(inputs[key]) if key in inputs else None
        if path is None or path.is_dir():
            continue
        if path.name in sources:
            verify(sources[path.name], path)
        with reading(path, "replace it by a whole copy"):
            found[key] = sha256(path)
    if "record" in inputs:
        downloads = check_downloads(Path(inputs["record"]), Path(inputs["files"]))
        found |= {path: file["sha256"] for path, file in downloads.items()}
    return found
