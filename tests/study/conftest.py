from copy import deepcopy

import pytest
import yaml
from study_configs import CARMON, LOCAL, ROOT


@pytest.fixture
def config() -> dict:
    """The demo's, with the penalty on the signal decomposition too, but without the main table's epsilons."""
    config = yaml.safe_load((ROOT / "configs" / "demo" / "core.yaml").read_text())
    del config["evaluation"]["main_epsilons"]
    weight = config["variants"]["dct-penalty"]
    config["variants"]["dct-signal-penalty"] = {
        **deepcopy(weight),
        "label": "DCT (signal) + penalty",
        "decomposition": "signal",
    }
    config["experiments"]["demo"]["variants"].append("dct-signal-penalty")
    return config


@pytest.fixture
def downloaded(config) -> dict:
    config["checkpoints"] = {"carmon": dict(CARMON), "local": {**LOCAL, "label": "mine"}}
    config["experiments"] = {"pairs": {"datasets": ["texdigits"], "checkpoints": ["carmon", "local"]}}
    del config["variants"], config["training"]
    config["evaluation"].pop("transfer", None)
    return config
