"""The one exception that stands for bad input."""


class InputError(Exception):
    """Bad input, said in one sentence: what is wrong, where, and what to do about it."""
