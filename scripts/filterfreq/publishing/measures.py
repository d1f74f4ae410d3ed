"""The measures that tables and figures share, with one value for every run. Imports neither matplotlib nor scipy."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from filterfreq.analysis.pairs import Pairs
from filterfreq.evaluation.columns import COLUMNS, RUN_COLUMNS
from filterfreq.evaluation.corruptions import COMMON
from filterfreq.evaluation.corruptions.errors import mean_corruption_error, relative_mean_corruption_error
from filterfreq.evaluation.reading import read_results
from filterfreq.publishing.attacks import attack_label, attack_pairs
from filterfreq.publishing.class_names import class_label
from filterfreq.publishing.direction import Direction
from filterfreq.publishing.norms import norm_label
from filterfreq.publishing.selection import RUN
from filterfreq.training.epsilon import parse_epsilon

Key = tuple[str, ...]

ATTACK = "attack"
"""What the key of an accuracy under attack begins with; attack, norm and epsilon follow."""
PUBLISHED = "published"
"""What the key of a column begins with that others have published; the key of what it is follows."""
CLEAN: Key = ("clean",)
CORRUPTION_MEAN: Key = ("corruptions", "mean")
CORRUPTION_ERROR: Key = ("corruptions", "error")
RELATIVE_CORRUPTION_ERROR: Key = ("corruptions", "relative_error")
SHAPE_BIAS: Key = ("shape_bias", "overall")


class Column(NamedTuple):
    """A measure of every run.

    Attributes:
        key: what it is, by which tables and figures decide; they show the headings alone.
        measure: its heading.
        setting: the heading below, which tells it from others with that heading; may be empty.
        numbers: by model, variant and seed, as fractions.
        images: on how many images each of them stands.
        direction: which of them are better.
    """

    key: Key
    measure: str
    setting: str
    numbers: pd.Series
    images: pd.Series
    direction: Direction = "higher"

    @property
    def is_published(self) -> bool:
        """Whether others have published it."""
        return self.key[0] == PUBLISHED

    @property
    def measured_key(self) -> Key:
        """The key of the same measure where it is not published but measured."""
        return self.key[1:] if self.is_published else self.key


def run_column(key: Key, measure: str, setting: str, rows: pd.DataFrame, direction: Direction = "higher") -> Column:
    """Return the column of rows of which each run has one."""
    by_run = rows.set_index(RUN)
    return Column(key, measure, setting, by_run["value"], by_run["n"], direction)


def read_accuracies(files: Iterable[str]) -> pd.DataFrame:
    """Read results, none where nothing is measured: `read` of products that then show what is published.

    Args:
        files: of results, may be none.
    """
    files = list(files)
    return read_results(files) if files else pd.DataFrame(columns=[*COLUMNS, "epsilon_value"])


def add_paired_runs(results: pd.DataFrame, pairs: Pairs) -> pd.DataFrame:
    """Return results with a row without any measurement for each run of pairs that has none.

    So a run of which accuracies are only published stands beside the others.
    """
    runs = pd.DataFrame([pair[side] for pair in pairs for side in ("treatment", "control")], columns=[*RUN_COLUMNS])
    known = set(results[[*RUN_COLUMNS]].itertuples(index=False, name=None))
    missing = runs.drop_duplicates()[lambda rows: [run not in known for run in rows.itertuples(index=False, name=None)]]
    added = missing.reindex(columns=results.columns)
    return pd.concat([results, added], ignore_index=True) if len(results) else added.reset_index(drop=True)


def main_columns(frame: pd.DataFrame, baseline: str, epsilons: Mapping[str, str] | None = None) -> list[Column]:
    """Return the measures of `table_main`.

    Args:
        frame: what `select` returns.
        baseline: the variant whose corruption error is 1.
        epsilons: for each norm the epsilon that attacks are shown at, see `attacks_at_epsilon`.
    """
    columns = [*clean_accuracy(frame)]
    for attack, norm, rows in attacks_at_epsilon(frame, epsilons):
        epsilon = rows["epsilon"].iloc[0]
        key = (ATTACK, attack, norm, epsilon)
        columns.append(run_column(key, attack_label(attack), f"{norm_label(norm)} {epsilon}", rows))
    columns += [found for found in corruption_means(frame, baseline) if found.key != RELATIVE_CORRUPTION_ERROR]
    columns += [found._replace(setting="") for found in shape_biases(frame) if found.key == SHAPE_BIAS]
    return columns


def add_published(
    columns: list[Column], frame: pd.DataFrame, published: Mapping[str, Mapping[str, Any]]
) -> list[Column]:
    """Return columns with those of what others have published of the same models, each beside the one like it.

    Args:
        columns: what `main_columns` returns.
        frame: what `select` returns.
        published: by variant, a `filterfreq.models.robustbench_models.PublishedAccuracies` as a mapping.
    """
    runs = frame.loc[frame["variant"].isin(list(published)), RUN].drop_duplicates()
    values: dict[tuple[Key, str, str], dict[tuple, float]] = {}
    for run in runs.itertuples(index=False, name=None):
        entry = published[run[1]]
        robust = (CORRUPTION_MEAN, "corruptions", "mean")
        if entry["norm"]:
            attack, norm, epsilon = "autoattack", entry["norm"], entry["epsilon"]
            robust = ((ATTACK, attack, norm, epsilon), attack_label(attack), f"{norm_label(norm)} {epsilon}")
        for column, value in (((CLEAN, "clean", ""), entry["clean"]), (robust, entry["robust"])):
            if value is not None:
                values.setdefault(column, {})[run] = value
    columns = list(columns)
    for (key, measure, setting), by_run in values.items():
        numbers = pd.Series(by_run).rename_axis(RUN)
        setting = ", ".join(filter(None, (setting, "published")))
        # Its images are not said with it: they are all of the test set, or of ImageNet's a part.
        added = Column((PUBLISHED, *key), measure, setting, numbers, numbers * np.nan, direction="none")
        alike = [index for index, found in enumerate(columns) if found.key == key]
        # Else beside the same attack, of another norm or epsilon.
        alike = alike or [index for index, found in enumerate(columns) if found.measured_key[:2] == key[:2]]
        columns.insert(alike[-1] + 1 if alike else len(columns), added)
    return columns


def attacks_at_epsilon(
    frame: pd.DataFrame, epsilons: Mapping[str, str] | None
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield the attacks on the models themselves, each with its norm and its rows at one epsilon.

    That is the epsilon wanted of the norm; where the attack was not measured there, the largest one below it, or if
    there is none the smallest one; where none is wanted, the largest one.

    Args:
        frame: what `select` returns.
        epsilons: by norm, as "8/255".
    """
    own = frame[frame["suite"] != "transfer"]  # the same attacks, not made on the model itself
    for attack, norm in attack_pairs(own):
        rows = own[(own["attack"] == attack) & (own["norm"] == norm)]
        measured = sorted(rows["epsilon_value"].unique())
        wanted = parse_epsilon((epsilons or {}).get(norm, measured[-1]))
        shown = max((epsilon for epsilon in measured if epsilon <= wanted), default=measured[0])
        yield attack, norm, rows[rows["epsilon_value"] == shown]


def epsilons_phrase(frame: pd.DataFrame, epsilons: Mapping[str, str] | None) -> str:
    """Say at which epsilons the attacks of `main_columns` are shown; nothing where there are none."""
    chosen = list(attacks_at_epsilon(frame, epsilons))
    wanted = {norm: epsilon for norm, epsilon in (epsilons or {}).items() if norm in {norm for _, norm, _ in chosen}}
    largest = [norm_label(norm) for norm in dict.fromkeys(norm for _, norm, _ in chosen) if norm not in wanted]
    elsewhere = [
        f"{attack_label(attack)} {norm_label(norm)}"
        for attack, norm, rows in chosen
        if norm in wanted and rows["epsilon_value"].iloc[0] != parse_epsilon(wanted[norm])
    ]
    phrases = (
        [f"at {' and '.join(f'{norm_label(norm)} {epsilon}' for norm, epsilon in wanted.items())}"] if wanted else []
    )
    if elsewhere:
        phrases[0] += f" (but for {', '.join(elsewhere)}, not measured there)"
    if largest:
        phrases.append(f"at the largest {' and '.join(largest)} epsilon measured")
    return f"attacks: {', '.join(phrases)}" if phrases else ""


def clean_accuracy(frame: pd.DataFrame) -> Iterator[Column]:
    """Yield the column of the accuracy on all test images, if it was measured."""
    rows = frame[(frame["suite"] == "clean") & (frame["metric"] == "accuracy")]
    if not rows.empty:
        yield run_column(CLEAN, "clean", "", rows)


def clean_accuracies(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies without attack and corruption: a row for each run and number of images, the first ones."""
    rows = frame[
        (frame["metric"] == "clean_accuracy") | ((frame["suite"] == "clean") & (frame["metric"] == "accuracy"))
    ]
    return rows.drop_duplicates([*RUN, "n"])


def matching_clean_accuracies(frame: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return, of the runs of some rows, the clean accuracy on the images that these stand on."""
    shown = rows[[*RUN, "n"]].drop_duplicates()
    return clean_accuracies(frame).merge(shown, on=[*RUN, "n"]).astype({name: frame[name].dtype for name in RUN})


def attack_columns(frame: pd.DataFrame, attack: str, norm: str, measure: str) -> list[Column]:
    """Return a column for every epsilon of an attack, from small to large."""
    rows = frame[(frame["attack"] == attack) & (frame["norm"] == norm)]
    columns = []
    for _, epsilon_rows in rows.groupby("epsilon_value"):
        epsilon = epsilon_rows["epsilon"].iloc[0]
        columns.append(run_column((ATTACK, attack, norm, epsilon), measure, epsilon, epsilon_rows))
    return columns


def add_clean_columns(frame: pd.DataFrame, blocks: Iterable[list[Column]]) -> list[Column]:
    """Return columns of attacks with the clean accuracy on the same images.

    It comes first, once; where attacks saw different numbers of images, as epsilon 0 before each attack.

    Args:
        frame: what `select` returns, with the attacks' own clean accuracies.
        blocks: the columns of each attack, by epsilon.
    """
    blocks = list(blocks)
    clean = clean_accuracies(frame)

    def clean_columns(columns: Iterable[Column], measure: str, setting: str) -> list[Column]:
        counts = {count for found in columns for count in found.images}
        rows = clean[clean["n"].isin(counts)].drop_duplicates(RUN)
        return [] if rows.empty else [run_column(CLEAN, measure, setting, rows)]

    every = list(itertools.chain.from_iterable(blocks))
    if len({count for found in every for count in found.images}) == 1:
        return [*clean_columns(every, "clean", ""), *every]
    return [found for block in blocks for found in (*clean_columns(block, block[0].measure, "0"), *block)]


def corruption_accuracies(frame: pd.DataFrame) -> pd.DataFrame:
    """Return accuracies with one row per run and columns (corruption, severity), NaN where one is missing."""
    rows = frame[(frame["suite"] == "corruption") & (frame["metric"] == "accuracy")]
    return rows.set_index([*RUN, "corruption", "severity"])["value"].unstack(["corruption", "severity"])  # noqa: PD010


def common_accuracies(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the same of the common corruptions alone, of the runs that have all of them which another run has."""
    measured = corruption_accuracies(frame)
    return measured.loc[:, measured.columns.isin(COMMON, level="corruption")].dropna()


def corruption_means(frame: pd.DataFrame, baseline: str) -> Iterator[Column]:
    """Yield the mean accuracy over the common corruptions, and mCE where all of them and the baseline were measured.

    Relative mCE also needs the accuracies of both on the same images before corruption.

    A run that lacks a corruption or a severity which another run has would not be comparable: it gets no mean.
    """
    common = common_accuracies(frame)
    if common.empty:
        return
    rows = frame[(frame["suite"] == "corruption") & (frame["metric"] == "accuracy")]
    images = rows.groupby(RUN, observed=True)["n"].max()
    yield Column(CORRUPTION_MEAN, "corruptions", "mean", common.mean(axis="columns"), images.reindex(common.index))
    if not set(COMMON) <= set(common.columns.unique("corruption")):
        return
    accuracies = {run: values.unstack("severity") for run, values in common.iterrows()}  # noqa: PD010
    clean = matching_clean_accuracies(frame, rows).set_index(RUN)["value"].to_dict()
    errors: dict[Key, dict] = {CORRUPTION_ERROR: {}, RELATIVE_CORRUPTION_ERROR: {}}
    for run, accuracy in accuracies.items():
        model, _, seed = run
        reference = (model, baseline, seed)
        if reference not in accuracies:
            continue
        errors[CORRUPTION_ERROR][run] = mean_corruption_error(accuracy, accuracies[reference])
        if run in clean and reference in clean:
            errors[RELATIVE_CORRUPTION_ERROR][run] = relative_mean_corruption_error(
                accuracy, clean[run], accuracies[reference], clean[reference]
            )
    headings = {CORRUPTION_ERROR: "mCE", RELATIVE_CORRUPTION_ERROR: "relative mCE"}
    for key, by_run in errors.items():
        if by_run:
            # A baseline without any error has no relative error.
            values = pd.Series(by_run).rename_axis(RUN).replace(np.inf, np.nan)
            yield Column(key, "corruptions", headings[key], values, images.reindex(values.index), direction="lower")


def shape_biases(frame: pd.DataFrame) -> Iterator[Column]:
    """Yield the shape biases of every category, and "overall"; their images are all that the runs were shown."""
    rows = frame[frame["suite"] == "cue_conflict"]
    shown = rows[rows["metric"] == "accuracy"].groupby(RUN, observed=True)["n"].max()
    for category, its_rows in rows[rows["metric"] == "shape_bias"].groupby("category", sort=False):
        found = run_column(("shape_bias", category), "shape bias", class_label(category), its_rows)
        yield found._replace(images=shown.reindex(found.numbers.index))
