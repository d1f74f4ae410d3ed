"""One module for each suite; `filterfreq.evaluation.registry` says what the rest of the project must know of it."""
