"""A page for each figure, with the caption under it: what the report shows."""

import base64
import html
import re
from pathlib import Path

from filterfreq.runtime.files import replacing

_PIXELS_PER_INCH = 120  # of a screen, at which text of 7 points reads well

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 1em; background: white; color: #222; font: 15px sans-serif; line-height: 1.4; }}
figure {{ margin: 0; max-width: {width}px; }}
img {{ width: 100%; }}
figcaption {{ margin-top: 0.8em; max-width: 50em; }}
</style>
</head>
<body>
<figure>
<img src="data:image/png;base64,{image}" alt="{title}">
<figcaption>{caption}</figcaption>
</figure>
</body>
</html>
"""


def write_page(path: str | Path, png: str | Path, inches: float, title: str, caption: str) -> None:
    """Write a page that shows a figure with its caption under it, and needs no other file.

    Args:
        path: the page.
        png: the figure.
        inches: its width.
        title: what is said where the figure cannot be seen.
        caption: reStructuredText, of which *emphasis* and ``literals`` are understood.

    Raises:
        InputError: the disk is full.
    """
    image = base64.b64encode(Path(png).read_bytes()).decode()
    page = _PAGE.format(
        title=html.escape(title), width=round(_PIXELS_PER_INCH * inches), image=image, caption=_to_html(caption)
    )
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _to_html(caption: str) -> str:
    text = re.sub(r"``(.+?)``", r"<code>\1</code>", html.escape(caption))
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", text)
