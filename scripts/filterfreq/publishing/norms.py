"""How norms are written, and how where signs beyond ASCII would not be read."""

_NORMS = {"linf": "L∞", "l2": "L₂"}


def norm_label(norm: str) -> str:
    """Return a norm's sign, or how it is called where it is none of ours: "linf" is L∞."""
    return _NORMS.get(norm, norm)


def ascii_norms(text: str) -> str:
    """Return text with the signs of norms in ASCII, as programs read them: Linf, L2."""
    return text.replace("L∞", "Linf").replace("L₂", "L2")
