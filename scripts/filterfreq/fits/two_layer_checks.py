"""What settings of wide two-layer networks and of the kernel flow cannot be, and a schema cannot see. No torch."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from filterfreq.runtime.errors import InputError

_LEAST_POINTS_OF_A_WIDTH = 4  # of the grid, in one width of a bump


def check_two_layer(settings: Mapping[str, Any], network: Mapping[str, Any]) -> None:
    """Check that a network has one hidden layer of ReLU, and pairs of neurons where these are antisymmetric.

    Raises:
        InputError: it has not; the sentence begins with a key of the network.
    """
    widths = network["widths"]
    if len(widths) != 1:
        raise InputError(
            f"widths: there are {len(widths)}, and a two-layer network has one: give the number of neurons"
        )
    if network["activation"] != "relu":
        raise InputError(
            f"activation: {network['activation']} is not what the linear frequency principle is on: use relu"
        )
    if settings["antisymmetric"] and widths[0] % 2:
        raise InputError(
            f"widths: {widths[0]} neurons are not pairs of a and -a, which an antisymmetric initialisation draws: make "
            "the width even"
        )


def check_curve(settings: Mapping[str, Any]) -> None:
    """Check the settings of `lfp_curve`.

    Raises:
        InputError: points do not rise in x, or see `check_surface`.
    """
    x = [point[0] for point in settings["points"]]
    for before, after in pairwise(x):
        if before >= after:
            raise InputError(f"points: x = {after:g} stands behind {before:g}: sort them by x, and give each x once")
    _check_training(settings, x[-1] - x[0])


def check_surface(settings: Mapping[str, Any]) -> None:
    """Check the settings of `lfp_surface` or `lfp_width`.

    Raises:
        InputError: the points lie on a line or coincide, the period is not larger than their range, or a
            law of the initialisation is none or two.
    """
    points = [tuple(point[:2]) for point in settings["points"]]
    for number, point in enumerate(points):
        if point in points[:number]:
            raise InputError(f"points: ({point[0]:g}, {point[1]:g}) stands there twice: give each place one value")
    (x, y), (u, v) = points[0], points[1]
    if all(math.isclose((u - x) * (q - y), (v - y) * (p - x), abs_tol=1e-12) for p, q in points[2:]):
        raise InputError("points: all lie on a line, where a surface is not determined: give one beside it")
    _check_training(settings, max(max(part) - min(part) for part in zip(*points, strict=True)))


def check_fp_norm(settings: Mapping[str, Any]) -> None:
    """Check the settings of `fp_norm`, whose points lie in [0, 1].

    Raises:
        InputError: a frequency is not in the basis, or see `check_surface`.
    """
    _check_training(settings, 1)
    for frequency in settings["frequencies"]:
        place = frequency * settings["period"]
        if not math.isclose(place, round(place), abs_tol=1e-9):
            raise InputError(
                f"frequencies: {frequency} has no whole number of cycles in a period of {settings['period']:g}, and no "
                "FP norm in its basis: make the period a whole number"
            )
        if place >= settings["basis_frequencies"]:
            raise InputError(
                f"frequencies: {frequency} is above the basis, which ends at "
                f"{(settings['basis_frequencies'] - 1) / settings['period']:g}: lower it or raise basis_frequencies"
            )


def check_kernel_flow(settings: Mapping[str, Any]) -> None:
    """Check the settings of `kernel_flow`.

    Raises:
        InputError: the grid cannot show a frequency or the kernel.
    """
    points = settings["points"]
    for key, highest in (("frequencies", max(settings["frequencies"])), ("eigenvalues", settings["eigenvalues"])):
        if 2 * highest >= points:
            raise InputError(
                f"{key}: {points} points on the circle cannot show {highest} cycles, which need more than "
                f"{2 * highest} (Nyquist): lower this or raise points"
            )
    needed = math.ceil(_LEAST_POINTS_OF_A_WIDTH * 2 * math.pi / settings["width"])
    if points < needed:
        raise InputError(
            f"points: {points} are too few for bumps of width {settings['width']:g}: give {needed} or more"
        )


def _check_training(settings: Mapping[str, Any], span: float) -> None:
    """Check what all trainings of two-layer networks have; `span` is the largest range of a coordinate."""
    for name, law in settings["initialisation"].items():
        if ("uniform" in law) == ("normal" in law):
            raise InputError(f"initialisation.{name}: give it either uniform or normal, and not both")
    if settings["period"] <= span:
        raise InputError(
            f"period: the points span {span:g}, which a period of {settings['period']:g} is not larger than: raise it"
        )
