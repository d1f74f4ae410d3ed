"""Parts of configs that several tests change."""

import re
from pathlib import Path

from PIL import Image

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


def part(page: str, heading: str) -> str:
    """The text of a page of docs below a heading, up to the next one of that kind."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]


def write_documented_study(folder: Path) -> Path:
    """Write the study of one's own images that docs/data.md shows, with those images; returns its config."""
    files, config = re.findall(
        r"^```\w+\n(.*?)^```", part("docs/data.md", "Images of your own"), re.DOTALL | re.MULTILINE
    )[:2]
    for number, name in enumerate(files.split()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (80, 70), (50 * number,) * 3).save(folder / name)
    path = folder / re.match(r"# (\S+)\n", config)[1]
    path.write_text(config)
    return path


def put(config: dict, path: str, value) -> None:
    *parents, last = path.split("/")
    for key in parents:
        config = config[int(key) if isinstance(config, list) else key]
    config[last] = value
