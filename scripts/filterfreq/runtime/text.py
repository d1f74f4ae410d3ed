"""Text from outside, as a terminal, a log or a table can show it."""

import unicodedata

# What is longer than a few hundred characters is a list or a file, and nobody's sentence.
LONGEST = 600
_LEFT_OUT = " [...] "
# They turn the reading round (Unicode Standard Annex 9, section 2), so that a line says something else than it shows.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def is_one_line(text: str) -> bool:
    """Return whether a text is one line of UTF-8 without control characters, as a log or a table can show it.

    A file's name need not be: on Linux it is any bytes but 0 and "/".
    """
    # isprintable is quick, and refuses more, as spaces that do not break.
    return text.isprintable() or not any(map(_is_control, text))


def one_line(text: object, longest: int | None = LONGEST) -> str:
    r"""Return a text as one line: control characters escaped as Python writes them, the middle of a long one left out.

    Args:
        text: any object, by its `str`.
        longest: characters of the result at most, from 20 up; None for all of them.

    Returns:
        The text; `\n`, `\x1b`, `\u202e` stand for a line's end, an escape, and what turns the reading round.
    """
    # Cut first, or megabytes would be escaped; and again, because an escape is longer than what it stands for.
    text = _cut(str(text), longest)
    if is_one_line(text):
        return text
    return _cut("".join(repr(character)[1:-1] if _is_control(character) else character for character in text), longest)


def _cut(text: str, longest: int | None) -> str:
    if longest is None or len(text) <= longest:
        return text
    # A sentence ends with what to do, so its end is kept too.
    end = (longest - len(_LEFT_OUT)) // 3
    return text[: longest - len(_LEFT_OUT) - end] + _LEFT_OUT + text[-end:]


def _is_control(character: str) -> bool:
    """Whether it is a control character, half of one outside UTF-16's first plane, or a separator of lines."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _TURNING
