"""The registry of data sets of objects."""

import re

from filterfreq.data.objects import OBJECT_DATASETS
from filterfreq.data.registry import DATASETS
from filterfreq.data.shifted.registry import downloads


def test_every_source_can_be_downloaded_and_checked():
    assert OBJECT_DATASETS
    assert not OBJECT_DATASETS.keys() & DATASETS.keys()
    for name, dataset in OBJECT_DATASETS.items():
        assert dataset.name == name
        assert dataset.licence
        assert downloads(name) == {source.file: source for source in dataset.sources}
        for source in dataset.sources:
            assert re.fullmatch("sha256:[0-9a-f]{64}", source.checksum)
            assert all(url.endswith(f"/{source.file}") for url in source.urls)
            assert source.urls[0].startswith("https://")
            assert source.size > 1_000_000
