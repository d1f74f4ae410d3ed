"""The attacks that results hold, and what they are called."""

import re

import pandas as pd

_ATTACKS = {"autoattack": "AutoAttack", "square": "Square"}
# What PGD and APGD with steps follow; AutoAttack's APGD-CE is called as it is there.
_LOSS = re.compile(r"(a?pgd-\d+)-(ce|margin|dlr)")
_LOSSES = {"ce": "cross entropy", "margin": "margin loss", "dlr": "DLR loss"}
_STARTS = {"image": "from the image", "random": "from a random point"}


def attack_pairs(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the pairs of attack and norm that occur, AutoAttack's last, else as they occur."""
    adversarial = frame[frame["suite"].isin(["adversarial", "autoattack"]) & (frame["metric"] == "accuracy")]
    pairs = adversarial[["suite", "attack", "norm"]].drop_duplicates().sort_values("suite", kind="stable")
    return list(pairs[["attack", "norm"]].drop_duplicates().itertuples(index=False, name=None))


def attack_label(attack: str) -> str:
    """Return an attack's name as the literature writes it: "pgd-10" is PGD-10, "apgd-ce+square" APGD-CE + Square.

    A start that is not the usual one is said: "pgd-10-from-image" is PGD-10 from the image; and so is the loss that is
    followed, where the name has it: "pgd-50-margin" is PGD-50 (margin loss).
    """
    if followed := _LOSS.fullmatch(attack):
        return f"{followed[1].upper()} ({_LOSSES[followed[2]]})"
    name, _, start = attack.partition("-from-")
    words = _STARTS.get(start)
    label = " + ".join(_ATTACKS.get(part, part.upper()) for part in (name if words else attack).split("+"))
    return f"{label} {words}" if words else label
