"""CNN robustness seen through frequencies: the package that every script of the workflow shares, and a library."""

import importlib
from typing import Any

# Where each function of the library is. Jobs and planning import this file and must not wait for torch.
_LIBRARY = {
    "average": "models",
    "compose": "models",
    "corrupt": "measures",
    "decompose": "models",
    "filter_statistics": "measures",
    "fourier_heat_map": "measures",
    "frequency_penalty": "models",
    "load_model": "models",
    "normalise": "models",
    "operator_norm": "measures",
    "shape_bias": "measures",
    "singular_values": "measures",
}

__all__ = [*_LIBRARY]


def __getattr__(name: str) -> Any:
    if name not in _LIBRARY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"filterfreq.library.{_LIBRARY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LIBRARY})
