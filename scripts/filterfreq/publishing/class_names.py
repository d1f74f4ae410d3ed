"""What classes are called for readers."""

from filterfreq.data.registry import IMAGENET_NAMES


def class_label(name: str) -> str:
    """Return a class's name for readers: "maple_tree" is maple tree, and "n01440764", a WordNet number, tench.

    ImageNet's 1,000 classes are called as torchvision calls them. Other numbers stay as they are.
    """
    return IMAGENET_NAMES.get(name, name).replace("_", " ")
