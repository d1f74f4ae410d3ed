"""The columns of results. Imports nothing, so that planning can read them."""

RUN_COLUMNS: tuple[str, ...] = ("dataset", "model", "variant", "seed")
COLUMNS: tuple[str, ...] = (*RUN_COLUMNS, "suite", "metric", "parameter", "value", "n", "ci_low", "ci_high")
RESERVED: tuple[str, ...] = (*COLUMNS, "epoch", "epsilon_value")
"""Names that no key of `parameter` can have: those of columns, and of what reading adds."""
