"""Which values of a measure are the better ones."""

from typing import Literal

Direction = Literal["higher", "lower", "none"]
"""The better ones; none where no value is better than another."""
