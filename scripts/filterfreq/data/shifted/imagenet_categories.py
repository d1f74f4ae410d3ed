"""The 16 categories that observers and ImageNet models are compared on. Imports no torch.

Geirhos et al., Generalisation in Humans and Deep Neural Networks, NeurIPS 2018, took 16 entry-level categories and the
207 of ImageNet's 1,000 classes that belong to one of them; the cue-conflict stimuli of Geirhos et al., ImageNet-trained
CNNs are biased towards texture, ICLR 2019, are of these categories. The classes are those of the released code
(repositories rgeirhos/texture-vs-shape, code/helper/human_categories.py, and bethgelab/model-vs-human). Classes that
belong to a category for WordNet and yet are missing, such as the Chihuahua or the ostrich, were excluded there.
"""

from collections.abc import Mapping


def _classes(text: str) -> tuple[int, ...]:
    """Read class indices and ranges of them: "8 10-12" is 8, 10, 11, 12."""
    ends = [part.split("-") for part in text.split()]
    return tuple(index for end in ends for index in range(int(end[0]), int(end[-1]) + 1))


CATEGORIES: Mapping[str, tuple[int, ...]] = {
    "airplane": _classes("404"),
    "bear": _classes("294-297"),
    "bicycle": _classes("444 671"),
    "bird": _classes("8 10-16 18-20 22-24 80-83 87-96 98-100 127-133 135-145"),
    "boat": _classes("472 554 625 814 914"),
    "bottle": _classes("440 720 737 898-899 901 907"),
    "car": _classes("436 511 817"),
    "cat": _classes("281-286"),
    "chair": _classes("423 559 765 857"),
    "clock": _classes("409 530 892"),
    "dog": _classes("152-191 193-203 205-226 228-241 243-250 252-257 259 261-263 265-268"),
    "elephant": _classes("385-386"),
    "keyboard": _classes("508 878"),
    "knife": _classes("499"),
    "oven": _classes("766"),
    "truck": _classes("555 569 656 675 717 734 864 867"),
}
"""The indices of each category's ImageNet classes, categories in alphabetical order."""
