"""What a variant changes in training: one module for each key. Each has a function `intervention`."""
