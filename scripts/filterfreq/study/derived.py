"""Derived variants: those of which a model is made from another's, or from a checkpoint's, without training."""

from collections.abc import Mapping
from typing import Any

from filterfreq.models.surgery.registry import SURGERY, TRAINED_ONLY
from filterfreq.runtime.errors import InputError, unknown_name
from filterfreq.study.averaging_checks import check_defended_source
from filterfreq.study.config_checks import is_filter_file


def is_derived(variant: Mapping[str, Any]) -> bool:
    """Whether a variant is made from another."""
    return "from" in variant


def check_derived(
    where: str,
    variant: Mapping[str, Any],
    variants: Mapping[str, Mapping[str, Any]],
    checkpoints: Mapping[str, Mapping[str, Any]],
) -> None:
    """Refuse a derived variant whose source there is not, or that is to be trained, or that changes nothing.

    Args:
        where: its key in the config, which the sentence begins with.
        variant: a variant with `from`.
        variants: all of the config, by name.
        checkpoints: the config's, likewise.

    Raises:
        InputError: it is such a one.
    """
    source = variant["from"]
    if source not in variants and source not in checkpoints:
        raise InputError(f"{where}.from: {unknown_name('variant', source, [*variants, *checkpoints])}")
    if where == f"variants.{source}":
        raise InputError(
            f"{where}.from: a variant is not made from itself: name another one that is trained, or a checkpoint"
        )
    if is_filter_file(checkpoints.get(source, {})):
        raise InputError(
            f"{where}.from: {source!r} is a file of filters, of which no model can be made: name a variant that is "
            "trained or a checkpoint with a model"
        )
    check_defended_source(where, variant, source, variants)
    if is_derived(variants.get(source, {})):
        raise InputError(
            f"{where}.from: {source!r} is derived itself: name a variant that is trained or a checkpoint, and give all "
            "changes of it here"
        )
    changes = [key for key in SURGERY if key not in TRAINED_ONLY]
    for key in variant:
        if key not in ("from", "label", *changes):
            raise InputError(
                f"{where}.{key}: a variant with `from` is not trained: leave {key} out, or give it to the variant "
                "that this one is made from"
            )
    if not any(key in variant for key in changes):
        raise InputError(f"{where}: changes nothing of {source!r}, say what is changed: {', '.join(changes)}")
