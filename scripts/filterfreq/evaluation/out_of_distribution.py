"""Which of a model's classes the classes of a shifted set mean. Imports no torch."""

from collections.abc import Sequence

from filterfreq.data.arrays import PreparedDataset
from filterfreq.data.registry import get_dataset
from filterfreq.data.shifted.prepared import PreparedShift
from filterfreq.errors import InputError
from filterfreq.evaluation.imagenet_categories import CATEGORIES


def class_targets(shifted: PreparedShift, base_classes: Sequence[str]) -> list[list[int]]:
    """Return for each class of a shifted set the labels of the base data set that mean it.

    Args:
        shifted: the set.
        base_classes: the names of the base's classes, in the order of its labels.

    Returns:
        One list for each of the set's classes: of one label, or of all that belong to a category.

    Raises:
        InputError: a class of the set is none of the base's.
    """
    known: dict[str, Sequence[int]]
    if shifted.folders == "categories":
        known = dict(CATEGORIES)
    elif shifted.folders == "indices":
        known = {str(label): [label] for label in range(len(base_classes))}
    else:
        known = {name: [label] for label, name in enumerate(base_classes)}
    for name in shifted.classes:
        if name not in known:
            raise InputError(
                f"the shifted set {shifted.name} has the class {name!r}, which is none of the {len(known)} that are "
                f"known ({', '.join(list(known)[:3])}, ...): take its folder out or name it like one of them"
            )
    return [list(known[name]) for name in shifted.classes]


def classes_of(dataset: str, record: dict, prepared: PreparedDataset | None) -> Sequence[str]:
    """Return the names of the classes that a run's logits stand for.

    Args:
        dataset: the run's data set.
        record: the run's record.
        prepared: its data set; None for one whose classes are known without it.

    Raises:
        InputError: the run has another number of classes.
    """
    classes = get_dataset(dataset).classes if prepared is None else prepared.classes
    count = record["classifier"]["num_classes"]
    if count != len(classes):
        raise InputError(
            f"the model {record['run']['model']} has {count} classes, but {dataset} has {len(classes)}: "
            "it cannot be shown shifted images"
        )
    return classes
