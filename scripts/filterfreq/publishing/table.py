"""Tables of numbers or of text, and their renderings: CSV, Markdown, LaTeX, HTML and plain text."""

import html
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from pandas.io.formats.style import Styler
from tabulate import tabulate

from filterfreq.publishing.direction import Direction
from filterfreq.publishing.norms import ascii_norms
from filterfreq.publishing.numbers import MINUS, percent_text
from filterfreq.publishing.phrases import images_phrase, images_range, is_one_seed, seeds_phrase
from filterfreq.runtime.files import replacing

ImagesByColumn = Mapping[tuple[str, str], Iterable[float]]

_MISSING = "–"
_TERMINAL_COLUMN = 12
_TERMINAL_WIDTH = 100
_TERMINAL_CELL = 40
_HTML_LEFT = "text-align: left; white-space: normal"
# The three rules of booktabs.
_HTML_STYLES = [
    {"selector": "", "props": "border-collapse: collapse; font: 15px sans-serif; font-variant-numeric: tabular-nums"},
    {"selector": "caption", "props": "text-align: left; padding-bottom: 1em; max-width: 50em; line-height: 1.4"},
    {"selector": "th, td", "props": "padding: 0.3em 0.8em; text-align: right; white-space: nowrap"},
    {"selector": "th.row_heading", "props": "text-align: left; font-weight: normal; vertical-align: top"},
    {"selector": "thead th", "props": "text-align: center"},
    {"selector": "thead", "props": "border-top: 2px solid; border-bottom: 1px solid"},
    {"selector": "tbody", "props": "border-bottom: 2px solid"},
]
_LATEX = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "×": r"$\times$",
        "λ": r"$\lambda$",
        "ε": r"$\varepsilon$",
        "–": "--",
        MINUS: "$-$",
        # In LaTeX's default font encoding these two are other characters outside of formulas.
        "<": "$<$",
        ">": "$>$",
    }
)
_LATEX_NORMS = {"L∞": r"$L_\infty$", "L₂": r"$L_2$"}


@dataclass(frozen=True)
class Table:
    """Means over seeds of some measures, for every model and variant, on one data set or on several.

    Attributes:
        mean: means over seeds, as fractions; rows (model, variant) or (dataset, model, variant), columns (measure,
            setting); NaN where nothing was measured.
        std: sample standard deviations over seeds (n - 1), NaN where there are fewer than two; same shape.
        seeds: the number of seeds behind each mean; same shape.
        best: whether a mean is marked as best, see `filterfreq.publishing.means.best_of`; same shape.
        images: the number of images behind each mean; same shape, NaN where it is not known.
        directions: which values of a column are better.
        labels: display labels of the variants, in order.
        caption: what the table shows, in sentences; the seeds and the meaning of bold are added.
        across: whether the variants are columns when shown, rather than rows; of one data set only.
    """

    mean: pd.DataFrame
    std: pd.DataFrame
    seeds: pd.DataFrame
    best: pd.DataFrame
    images: pd.DataFrame
    directions: dict[tuple[str, str], Direction]
    labels: dict[str, str]
    caption: str
    across: bool = False

    def write(self, files: Iterable[str | Path], note: str = "") -> None:
        """Write the table into files of the form that their suffixes name, each whole or not at all.

        Args:
            files: paths that end in .csv, .md, .tex, .html or .txt.
            note: sentences that the caption goes on with.

        Raises:
            InputError: the disk is full.
        """
        _write(replace(self, caption=f"{self.caption} {note}".rstrip()), files)

    def tidy(self) -> pd.DataFrame:
        """Return one row per number: its names, measure, setting, mean, std, seeds, images; fractions, not percent."""
        columns = {
            name: getattr(self, name).stack(["measure", "setting"], future_stack=True)  # noqa: PD013
            for name in ("mean", "std", "seeds", "images")
        }
        tidy = pd.DataFrame(columns).dropna(subset="mean").astype({"seeds": "int64", "images": "Int64"})
        return tidy.reset_index()

    def to_markdown(self) -> str:
        """Return a GitHub-flavoured Markdown table under its caption, in percent, best values bold."""
        cells, rows = self._labelled_cells(lambda text: f"**{text}**")
        table = cells.map(_markdown).to_markdown(
            index=False, headers=[_markdown(header) for header in cells], **_alignment(cells, rows)
        )
        return f"{_markdown(self.full_caption)}\n\n{table}\n"

    def to_text(self) -> str:
        """Return the table as plain text for a terminal, in percent, best values starred."""
        cells, rows = self._labelled_cells(lambda text: f"*{text}")
        headers = [textwrap.fill(header, _TERMINAL_COLUMN) for header in cells]
        table = tabulate(cells.to_numpy().tolist(), headers=headers, tablefmt="simple", **_alignment(cells, rows))
        return f"{textwrap.fill(self.full_caption, _TERMINAL_WIDTH)}\n\n{table}\n"

    def to_html(self) -> str:
        """Return a whole HTML page with the table, in percent, best values bold."""
        text, best = self._arrange(self.text(), _MISSING), self._arrange(self.best, False)
        bold = best.map(lambda is_best: "font-weight: bold" if is_best else "")
        style = text.style.apply(lambda _: bold, axis=None)
        return _html_page(style.hide(axis="index", names=True).hide(axis="columns", names=True), self.full_caption)

    def to_latex(self) -> str:
        """Return a LaTeX table environment that needs the package booktabs alone, in percent, best values bold."""
        text, best = self._arrange(self.text(), _MISSING), self._arrange(self.best, False)
        text = text.map(_latex)
        text.index, text.columns = _relabel(text.index, _latex), _relabel(text.columns, _latex)
        bold = best.map(lambda is_best: "textbf:--rwrap;" if is_best else "").set_axis(text.index)
        bold.columns = text.columns
        style = text.style.apply(lambda _: bold, axis=None)
        style = style.hide(axis="index", names=True).hide(axis="columns", names=True)
        return _latex_table(style, self.full_caption, "l" * text.index.nlevels + "c" * text.shape[1])

    @property
    def full_caption(self) -> str:
        """The caption, with what a cell and its marks mean."""
        if set(self.directions.values()) == {"none"}:
            return f"{self.caption} {self.sizes} {self.unit}."
        lower = [" ".join(column).strip() for column, direction in self.directions.items() if direction == "lower"]
        best = f"best value (of {', '.join(lower)}: the lowest)" if lower else "best value"
        if len(lower) == len(self.directions):
            best = "best value (the lowest)"
        told = " and all that cannot be told from it (Student's 95 % interval of the paired differences holds zero)"
        marked = f"the {best}{told} are marked" if self.seeds.max(axis=None) > 1 else f"the {best} is marked"
        return f"{self.caption} {self.sizes} {self.unit}; {marked}."

    @property
    def sizes(self) -> str:
        """On how many images the columns stand, on each data set where there are several."""
        if self.images.index.nlevels < 3 or self.images.index.unique("dataset").size == 1:
            return images_sentence(dict(self.images.items()))
        sentences = []
        for dataset, rows in self.images.groupby(level="dataset", sort=False):
            columns: dict[str, list[str]] = {}
            for key, counts in rows.items():
                columns.setdefault(images_phrase(counts), []).append(" ".join(key).strip())
            columns.pop("", None)
            parts = [f"{phrase} ({', '.join(names)})" for phrase, names in columns.items()]
            sentences.append(f"{dataset}: {', '.join(parts) if len(parts) > 1 else ''.join(columns)}")
        return f"Images: {'; '.join(sentences)}."

    @property
    def headings(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Each column's measure and setting as they are shown, see `headings`."""
        return headings(dict(self.images.items()), self.across)

    @property
    def unit(self) -> str:
        """What a cell is: "Percent, mean ± standard deviation over 3 seeds"."""
        counts = self.seeds.to_numpy().ravel()
        phrase = seeds_phrase(counts)
        if is_one_seed(counts):
            return f"Percent, {phrase}"
        each = " (their number in brackets)" if self._seeds_differ else ""
        return f"Percent, mean ± standard deviation over {phrase}{each}"

    @property
    def _seeds_differ(self) -> bool:
        return len(set(self.seeds.to_numpy().ravel()) - {0}) > 1

    def text(self) -> pd.DataFrame:
        """Return the cells as they are shown, in percent, with their number of seeds where not all have the same."""
        mean = self.mean.map(percent_text)
        spread = (100 * self.std).map(" ± {:.1f}".format).where(self.std.notna(), "")
        cells = mean + spread
        if self._seeds_differ:
            cells += self.seeds.map(" ({:.0f})".format)
        return cells.where(self.mean.notna(), _MISSING)

    def _arrange(self, frame: pd.DataFrame, missing: object) -> pd.DataFrame:
        """Lay a frame out as it is shown: variants by label, as rows or columns; no models where there is but one."""
        if self.across:
            blocks = {model: block.droplevel("model").T for model, block in frame.groupby(level="model", sort=False)}
            frame = pd.concat(blocks, names=["model"])
            frame = frame[[name for name in self.labels if name in frame]].rename(columns=self.labels)
            measured = pd.concat(
                {model: block.notna().any() for model, block in self.mean.groupby(level="model", sort=False)}
            )
            frame = frame[measured.loc[frame.index].to_numpy()]
            frame = frame.astype(object).where(frame.notna(), missing)
            shown = [(model, *self.headings[measure, setting]) for model, measure, setting in frame.index]
            frame.index = pd.MultiIndex.from_tuples(shown, names=frame.index.names)
        else:
            frame = frame.rename(index=self.labels, level="variant")
            frame.columns = pd.MultiIndex.from_tuples(map(self.headings.get, frame.columns), names=frame.columns.names)
        outer = [name for name in ("dataset", "model") if name in frame.index.names]
        return frame.droplevel([name for name in outer if frame.index.unique(name).size == 1])

    def _labelled_cells(self, mark: Callable[[str], str]) -> tuple[pd.DataFrame, int]:
        """Return the cells with their headings as columns before them, and the number of those columns."""
        text, best = self._arrange(self.text(), _MISSING), self._arrange(self.best, False)
        marked = text.where(~best.astype(bool), text.map(mark))
        marked.columns = [" ".join(column).strip() if isinstance(column, tuple) else column for column in marked]
        rows = _blank_repeats(marked.index.to_frame(index=False).astype(object))
        rows.columns = ["" if name in ("measure", "setting") else name for name in rows.columns]
        return pd.concat([rows, marked.reset_index(drop=True)], axis="columns"), rows.shape[1]


def headings(images: ImagesByColumn, across: bool = False) -> dict[tuple[str, str], tuple[str, str]]:
    """Say with measure and setting of each column on how many images it stands, where columns differ in that.

    Args:
        images: by measure and setting, the numbers of images behind the column's cells.
        across: whether columns of one measure stand below each other, so that the measure says it.
    """
    if len({images_range(counts) for counts in images.values()} - {None}) < 2:
        return {key: key for key in images}
    shown = {}
    for (measure, setting), counts in images.items():
        heading = ", ".join(filter(None, (measure if across else setting, images_phrase(counts))))
        shown[measure, setting] = (heading, setting) if across else (measure, heading)
    return shown


def images_sentence(images: ImagesByColumn) -> str:
    """Say on how many images the columns of a table stand, or where it is said."""
    known = {images_range(counts) for counts in images.values()} - {None}
    if len(known) > 1:
        return "n: number of images."
    return f"{images_phrase(known.pop())} images." if known else ""


@dataclass(frozen=True)
class TextTable:
    """A table whose cells are text as it is shown, beside the numbers behind it.

    Attributes:
        numbers: what the CSV holds.
        cells: text, one column per heading; the last columns are aligned right.
        caption: what the table shows, in sentences.
        right: how many columns are aligned right.
    """

    numbers: pd.DataFrame
    cells: pd.DataFrame
    caption: str
    right: int

    def write(self, files: Iterable[str | Path], note: str = "") -> None:
        """Write the table as `Table.write` does.

        Raises:
            InputError: the disk is full.
        """
        _write(replace(self, caption=f"{self.caption} {note}".rstrip()), files)

    def tidy(self) -> pd.DataFrame:
        """Return the numbers."""
        return self.numbers

    def to_markdown(self) -> str:
        """Return a GitHub-flavoured Markdown table under its caption."""
        cells = self.cells.map(_markdown).rename(columns=_markdown)
        table = cells.to_markdown(index=False, **_alignment(cells, self._left_columns))
        return f"{_markdown(self.caption)}\n\n{table}\n"

    def to_text(self) -> str:
        """Return the table as plain text for a terminal, long cells on several lines."""
        cells = self.cells.map(lambda text: textwrap.fill(text, _TERMINAL_CELL))
        alignment = _alignment(cells, self._left_columns)
        table = tabulate(cells.to_numpy().tolist(), headers=list(cells), tablefmt="simple", **alignment)
        return f"{textwrap.fill(self.caption, _TERMINAL_WIDTH)}\n\n{table}\n"

    def to_html(self) -> str:
        """Return a whole HTML page with the table."""
        aligned = [{"selector": f"td.col{number}", "props": _HTML_LEFT} for number in range(self._left_columns)]
        return _html_page(self.cells.style.hide(axis="index"), self.caption, aligned)

    def to_latex(self) -> str:
        """Return a LaTeX table environment that needs the package booktabs alone."""
        cells = self.cells.map(_latex).rename(columns=_latex)
        # The first column holds sentences.
        columns = r"p{0.4\linewidth}" + "l" * (self._left_columns - 1) + "r" * self.right
        return _latex_table(cells.style.hide(axis="index"), self.caption, columns)

    @property
    def _left_columns(self) -> int:
        return self.cells.shape[1] - self.right


def _csv(numbers: pd.DataFrame) -> str:
    """Return numbers as CSV; what names them is read by programs, so norms are in ASCII."""
    named = {name: numbers[name].map(ascii_norms) for name in ("measure", "setting") if name in numbers}
    return numbers.assign(**named).to_csv(index=False)


def _write(table: Table | TextTable, files: Iterable[str | Path]) -> None:
    renderings = {
        ".csv": lambda: _csv(table.tidy()),
        ".md": table.to_markdown,
        ".tex": table.to_latex,
        ".html": table.to_html,
        ".txt": table.to_text,
    }
    for file in map(Path, files):
        with replacing(file) as temporary:
            temporary.write_text(renderings[file.suffix](), encoding="utf-8")


def _html_page(style: Styler, caption: str, styles: Iterable[dict] = ()) -> str:
    return (
        style.format(escape="html")
        .format_index(escape="html", axis="index")
        .format_index(escape="html", axis="columns")
        .set_caption(html.escape(caption))
        .set_table_styles([*_HTML_STYLES, *styles])
        .set_uuid("results")
        .to_html(doctype_html=True)
    )


def _latex_table(style: Styler, caption: str, column_format: str) -> str:
    latex = style.to_latex(
        caption=_latex(caption),
        position="tbp",
        position_float="centering",
        hrules=True,
        column_format=column_format,
        multirow_align="naive",
        multicol_align="c",
    )
    return f"% needs \\usepackage{{booktabs}}\n{latex}"


def _blank_repeats(rows: pd.DataFrame) -> pd.DataFrame:
    """Blank a heading that says the same as the row above, but for the innermost."""
    outer = rows.iloc[:, :-1]
    repeated = (outer == outer.shift()).cummin(axis="columns")
    return pd.concat([outer.mask(repeated, ""), rows.iloc[:, -1:]], axis="columns")


def _alignment(cells: pd.DataFrame, rows: int) -> dict:
    # Cells are text already: tabulate must not read "70.0" as a number and show 70.
    return {"disable_numparse": True, "colalign": ["left"] * rows + ["right"] * (cells.shape[1] - rows)}


def _markdown(text: str) -> str:
    """Keep text from being read as columns, HTML or links."""
    return re.sub(r"[\\|<]|(?<=])\(", r"\\\g<0>", text)


def _latex(text: str) -> str:
    latex = re.sub("L[∞₂]", lambda norm: _LATEX_NORMS[norm[0]], text.translate(_LATEX))
    # At the beginning of a row these would be arguments of the end of the row before.
    return f"{{}}{latex}" if latex.startswith(("[", "*")) else latex


def _relabel(index: pd.Index, label: Callable[[str], str]) -> pd.Index:
    if isinstance(index, pd.MultiIndex):
        return pd.MultiIndex.from_tuples([tuple(label(part) for part in parts) for parts in index], names=index.names)
    return index.map(label)
