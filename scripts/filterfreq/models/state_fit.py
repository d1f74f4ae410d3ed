"""Whether a state dict fits a network, in one sentence where it does not."""

from collections.abc import Mapping

from torch import Tensor

from filterfreq.runtime.errors import InputError, list_some

COUNTERS = "num_batches_tracked"
"""What the names of counters of batch normalisation end with; files of torch before 0.4.1 lack them."""
SHOWN = 3
"""How many names of each kind of misfit are told."""


def check_fit(
    state: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    weights: object,
    architecture: str,
    remedy: str,
    chosen: str = "",
) -> None:
    """Refuse a state dict whose names or shapes are not the expected ones.

    Args:
        state: tensors by name.
        expected: those of the network.
        weights: the file, for the message.
        architecture: the network, likewise.
        remedy: what the sentence ends with.
        chosen: which of the file's tensors these are, in words.

    Raises:
        InputError: it does not fit; the sentence names some tensors that it lacks, some unknown ones and some of
            other shapes.
    """
    shapes = [
        f"{name} of shape {list(state[name].shape)} instead of {list(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    ]
    lacking = [name for name in expected if name not in state]
    problems = {
        "no ": [name for name in lacking if not name.endswith(COUNTERS)] or lacking,
        "unknown ": [name for name in state if name not in expected],
        "": shapes,
    }
    if any(problems.values()):
        sides = [kind + list_some(found, most=SHOWN) for kind, found in problems.items() if found]
        sides += [f"read were {len(state)} tensors, {chosen}"] if chosen else []
        raise InputError(f"{weights} does not fit {architecture} ({'; '.join(sides)}): {remedy}")
