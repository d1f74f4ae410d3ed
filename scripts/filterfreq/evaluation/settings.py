"""What a config asks to be measured on one data set. Imports no torch."""

from collections.abc import Mapping
from typing import Any


def evaluation_settings(config: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    """Return the section `evaluation` as it is for a data set.

    Each key that `evaluation.datasets` has for it replaces the key of that name under `evaluation`, as a whole. What is
    false there is not measured on it, and left out here.

    Args:
        config: the whole config.
        dataset: the name of the data set.
    """
    evaluation = config["evaluation"]
    settings = {**evaluation, **evaluation.get("datasets", {}).get(dataset, {})}
    return {key: value for key, value in settings.items() if value is not False}
