"""What docs say of the config is what it takes."""

import re

from study_configs import ROOT, SCHEMA

from filterfreq.runtime.schemas import load_schema

OF_LIBRARIES = {"name", "dataset", "threat_model"}  # of sources that are no file


def part(page: str, heading: str) -> str:
    """The text of a page below a heading, up to the next one of that kind."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]


def test_each_key_of_a_checkpoint_from_a_file_is_explained():
    keys = load_schema(SCHEMA).schema["$defs"]["checkpoint"]["properties"].keys() - OF_LIBRARIES
    text = part("docs/methods.md", "Downloaded models")
    assert {key for key in keys if f"`{key}`" not in text and f"`{key}:" not in text} == {"source"}
    formats = load_schema(SCHEMA).schema["$defs"]["checkpoint"]["properties"]["format"]["enum"]
    assert all(f"`{name}`" in text for name in formats)
