import pandas as pd
import pytest

from filterfreq.evaluation.reading import read_results
from filterfreq.evaluation.results import format_parameter, quantity, write_results
from filterfreq.publishing.figures.spectral_norms import draw
from filterfreq.publishing.tables.spectral_norms import tabulate

VARIANTS = {"plain": "plain", "flat": "flat spectra"}
# By variant, before and after normalisation, of two layers; those of seed 1 are one more.
NORMS = {"plain": {"plain": (4, 2), "normalised": (4, 2)}, "flat": {"plain": (8, 3), "normalised": (1, 0.5)}}


@pytest.fixture
def results(tmp_path) -> pd.DataFrame:
    files = []
    for variant, by_weight in NORMS.items():
        for seed in (0, 1):
            rows = []
            for weight, norms in by_weight.items():
                for index, norm in enumerate(norms):
                    position = {"layer": f"c{index}", "index": index, "depth": float(index)}
                    parameter = {"batch_norm": "separate", "weight": weight, "boundary": "circular", **position}
                    rows.append(quantity("spectral_norm", format_parameter(**parameter), norm + seed, 1))
                    # What is not shown beside the circular one.
                    rows.append(quantity("spectral_norm", format_parameter(**{**parameter, "boundary": "zero"}), 99, 1))
            files.append(tmp_path / f"{variant}-{seed}.csv")
            run = {"dataset": "texdigits", "model": "net", "variant": variant, "seed": seed}
            write_results(files[-1], run, "spectral_norm", rows)
    return read_results(files)


def test_the_table_has_the_largest_norm_before_and_after_normalisation(results):
    table = tabulate(results, VARIANTS)
    assert table.cells.to_dict("list") == {
        "variant": ["plain", "plain", "flat spectra", "flat spectra"],
        "weights": ["before normalisation", "after normalisation"] * 2,
        "largest norm": ["4.5 ± 0.71", "4.5 ± 0.71", "8.5 ± 0.71", "1.5 ± 0.71"],
    }
    assert "circular boundary, weights as they are" in table.caption


def test_the_figure_has_a_line_a_variant_on_each_side(results):
    figure = draw(results, VARIANTS)
    for axes, weight in zip(figure.axes, ("plain", "normalised"), strict=True):
        lines = [list(line.get_ydata()) for line in axes.lines if len(line.get_ydata())]
        assert lines == [[norm + 0.5 for norm in NORMS[variant][weight]] for variant in VARIANTS]
        assert axes.get_yscale() == "log"
