"""What panels of accuracies under attack share: curves, and radii as they are written."""

import pandas as pd

from filterfreq.publishing.measures import matching_clean_accuracies
from filterfreq.publishing.norms import norm_label


def attack_curve(frame: pd.DataFrame, attack: str, norm: str, clean: bool = True) -> pd.DataFrame:
    """Return the accuracies under one attack with `epsilon` in the panel's unit; as epsilon 0 those without attack."""
    rows = rows_of_attack(frame, attack, norm)
    rows = rows.assign(epsilon=rows["epsilon_value"].astype(float) * (255 if norm == "linf" else 1))
    return (
        pd.concat([matching_clean_accuracies(frame, rows).assign(epsilon=0.0), rows], ignore_index=True)
        if clean
        else rows
    )


def rows_of_attack(frame: pd.DataFrame, attack: str, norm: str) -> pd.DataFrame:
    """Return the results under one attack with one norm."""
    return frame[(frame["attack"] == attack) & (frame["norm"] == norm)]


def epsilon_label(norm: str) -> str:
    """Return the title of an axis of epsilons: of L∞ they are in 255ths, else they are lengths in the norm."""
    unit = "/255" if norm == "linf" else f"{norm_label(norm)} norm"
    return f"radius ε ({unit})"
