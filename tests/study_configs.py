"""Parts of configs that several tests change."""

from pathlib import Path

from filterfreq.runtime.schemas import load_schema

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "schemas" / "config.schema.yaml"

TRANSFER = {"source": "plain", "attacks": [{"attack": "fgsm", "norm": "linf", "epsilons": ["2/255"]}]}
FOLDER = {"kind": "imagefolder", "path": "a", "image_size": 32, "test": "test"}
APGD = {"norm": "linf", "epsilons": ["2/255"], "attacks": ["apgd-ce"]}
CARMON = {"source": "robustbench", "dataset": "cifar10", "threat_model": "Linf", "name": "Carmon2019Unlabeled"}
LOCAL = {"source": "file", "path": "m.pt", "architecture": "resnet_8_2", "normalisation": "none"}
WITH_TAG = {"source": "timm", "name": "resnet50.a1_in1k"}
RESNET50 = {"source": "torchvision", "name": "resnet50", "weights": "IMAGENET1K_V2"}
FREE = {"attack": "free", "norm": "linf", "epsilon": "4/255", "replays": 4}


def choices(setting: str) -> list[str]:
    """What a config may say of a setting of the training, such as `optimizer`."""
    return load_schema(SCHEMA).schema["$defs"]["training_settings"]["properties"][setting]["enum"]


def put(config: dict, path: str, value) -> None:
    *parents, last = path.split("/")
    for key in parents:
        config = config[int(key) if isinstance(config, list) else key]
    config[last] = value
