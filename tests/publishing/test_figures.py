import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, same_color
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from filterfreq.evaluation.corruptions import CORRUPTIONS
from filterfreq.frequencies.pairs import distinct_frequencies
from filterfreq.publishing.example_images import ResultsWithImages
from filterfreq.publishing.figures.accuracy_epsilon import draw as draw_accuracy_epsilon
from filterfreq.publishing.figures.band_noise import draw as draw_band_noise
from filterfreq.publishing.figures.calibration import draw as draw_calibration
from filterfreq.publishing.figures.corruptions import draw as draw_corruptions
from filterfreq.publishing.figures.dct_energy import draw as draw_dct_energy
from filterfreq.publishing.figures.energy_slopes import draw as draw_energy_slopes
from filterfreq.publishing.figures.fourier_attack import draw as draw_fourier_attack
from filterfreq.publishing.figures.fourier_heat_map import draw as draw_fourier_heat_map
from filterfreq.publishing.figures.frequency_filtered import draw as draw_frequency_filtered
from filterfreq.publishing.figures.line_spectrum import draw as draw_line_spectrum
from filterfreq.publishing.figures.over_training import draw as draw_over_training
from filterfreq.publishing.figures.regions import draw as draw_regions
from filterfreq.publishing.figures.shape_bias import draw as draw_shape_bias
from filterfreq.publishing.figures.sinusoids import draw as draw_sinusoids
from filterfreq.publishing.figures.spectra import draw as draw_spectra
from filterfreq.publishing.figures.training_curves import draw as draw_training_curves
from filterfreq.publishing.figures.transfer import draw as draw_transfer
from filterfreq.publishing.heat_maps import whole_map
from filterfreq.publishing.panels import grid_shape
from filterfreq.publishing.penalty_panels import draw_penalties
from filterfreq.publishing.style import save, variant_styles
from filterfreq.runtime.errors import InputError

pytestmark = pytest.mark.slow

VARIANTS = {"plain": "plain", "dct": "WD", "fgsm": "FGSM training"}
STYLES = variant_styles(VARIANTS)
PUBLISHED = Path(__file__).parents[3] / "shared" / "golden" / "fourier_sensitivity_published.json"


def line(axes: Axes, variant: str, filled: bool = True) -> tuple[list[float], list[float]]:
    """The points of the variant's line, or of its hollow markers."""
    found = [
        drawn
        for drawn in axes.lines
        if len(drawn.get_xdata())
        and same_color(drawn.get_color() if filled else drawn.get_markeredgecolor(), STYLES[variant].colour)
        and (drawn.get_markerfacecolor() == "white") is not filled
    ]
    assert len(found) == 1, f"{len(found)} lines of {variant}"
    return list(map(float, found[0].get_xdata())), list(map(float, found[0].get_ydata()))


def panels(figure: Figure) -> dict[str, Axes]:
    return {axes.get_title(): axes for axes in figure.axes}


def check_layout(figure: Figure) -> None:
    """Nothing is clipped, no two panels or legends overlap, and no text is smaller than 7 points."""
    figure.draw_without_rendering()
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            assert text.get_fontsize() >= 7
    tight = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert tight.x0 >= -0.01
    assert tight.y0 >= -0.01
    assert tight.x1 <= width + 0.01
    assert tight.y1 <= height + 0.01
    boxes = [axes.get_tightbbox() for axes in figure.axes if axes.axison]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    for i, box in enumerate(boxes):
        for other in boxes[i + 1 :]:
            overlap = type(box).intersection(box, other)
            assert overlap is None or min(overlap.width, overlap.height) < 1


@pytest.fixture
def robustness(results_of, row):
    """Accuracy 0.9 (plain) and 0.8 (dct), less 0.1 per 1/255; better by 0.02 with seed 1; AutoAttack at 2/255."""
    rows = []
    for model in ("net_a", "net_b"):
        for variant, start in (("plain", 0.9), ("dct", 0.8)):
            for seed, better in ((0, 0.0), (1, 0.02)):
                rows.append(row.clean(model, variant, seed, start + better))
                for attack in ("fgsm", "pgd-10"):
                    for epsilon in (4, 1, 2):
                        value = start + better - 0.1 * epsilon
                        rows.append(row.attacked(model, variant, seed, attack, "linf", f"{epsilon}/255", value))
                rows.append(row.attacked(model, variant, seed, "pgd-10", "l2", "0.5", 0.3 + better))
                rows.append(row.attacked(model, variant, seed, "autoattack", "linf", "2/255", 0.25 + better))
        rows.append(row.clean(model, "fgsm", 0, 0.7))  # not attacked
    return results_of(rows)


class TestAccuracyAgainstEpsilon:
    def test_lines_are_means_over_seeds(self, robustness):
        axes = panels(draw_accuracy_epsilon(robustness[robustness["model"] == "net_a"], VARIANTS))
        assert list(axes) == ["FGSM, L∞", "PGD-10, L∞", "PGD-10, L₂"]
        epsilons, accuracies = line(axes["FGSM, L∞"], "dct")
        assert epsilons == pytest.approx([0, 1, 2, 4])
        assert accuracies == pytest.approx([0.81, 0.71, 0.61, 0.41])
        assert line(axes["PGD-10, L₂"], "plain") == (pytest.approx([0, 0.5]), pytest.approx([0.91, 0.31]))

    def test_the_band_spans_the_seeds(self, robustness):
        axes = draw_accuracy_epsilon(robustness[robustness["model"] == "net_a"], VARIANTS).axes[0]
        bands = {band.get_facecolor()[0][:3].tobytes(): band for band in axes.collections}
        assert len(bands) == 2
        heights = sorted(band.get_paths()[0].vertices[:, 1].max() for band in bands.values())
        lows = sorted(band.get_paths()[0].vertices[:, 1].min() for band in bands.values())
        assert heights == pytest.approx([0.82, 0.92])
        assert lows == pytest.approx([0.4, 0.5])

    def test_autoattack_is_hollow_in_the_last_panel_of_its_norm(self, robustness):
        axes = panels(draw_accuracy_epsilon(robustness[robustness["model"] == "net_a"], VARIANTS))
        assert line(axes["PGD-10, L∞"], "dct", filled=False) == (
            pytest.approx([2.0]),
            pytest.approx([0.26]),
        )
        with pytest.raises(AssertionError, match="0 lines"):
            line(axes["FGSM, L∞"], "dct", filled=False)

    def test_hollow_markers_stand_side_by_side_with_bars_of_the_seeds(self, robustness):
        rows = robustness[robustness["model"] == "net_a"]
        hidden = rows["suite"].eq("autoattack") & rows["variant"].eq("plain")
        figure = draw_accuracy_epsilon(rows.assign(value=rows["value"].mask(hidden, 0.3)), VARIANTS)
        figure.draw_without_rendering()
        markers = [found for found in figure.findobj(Line2D) if found.get_markerfacecolor() == "white"]
        plain, wd = (found for found in markers if found.get_label() == "_nolegend_" and len(found.get_xdata()))
        across = [found.get_transform().transform([found.get_xdata()[0], 0])[0] for found in (plain, wd)]
        (axes,) = {plain.axes}
        at_epsilon = axes.transData.transform([plain.get_xdata()[0], 0])[0]
        width = plain.get_markersize() * figure.dpi / 72
        assert at_epsilon - across[0] > width
        assert across[1] - at_epsilon > width
        ends = [segment for bars in axes.collections[-2:] for segment in bars.get_segments()]
        assert [sorted(end[:, 1]) for end in ends] == [pytest.approx([0.3, 0.3]), pytest.approx([0.25, 0.27])]
        note = figure.legends[0].get_title().get_text()
        assert note.startswith("lines and markers: mean, bands and bars: lowest")
        assert "; hollow markers beside their epsilon" in " ".join(note.split())
        alone = draw_accuracy_epsilon(rows[rows["variant"] == "dct"], VARIANTS)
        assert "hollow" not in alone.legends[0].get_title().get_text()

    def test_autoattack_at_several_sizes_has_a_panel(self, robustness, results_of, row):
        more = [row.attacked("net_a", name, 0, "autoattack", "linf", "4/255", 0.1) for name in ("plain", "dct")]
        both = pd.concat([robustness[robustness["model"] == "net_a"], results_of(more, "more")])
        figure = draw_accuracy_epsilon(both.assign(dataset="toy_set"), VARIANTS)
        assert list(panels(figure)) == ["FGSM, L∞", "PGD-10, L∞", "AutoAttack, L∞", "PGD-10, L₂"]
        assert line(panels(figure)["AutoAttack, L∞"], "dct") == (
            pytest.approx([0, 2, 4]),
            pytest.approx([0.81, 0.26, 0.1]),
        )

    def test_autoattack_alone_has_a_panel(self, robustness):
        alone = robustness[robustness["suite"].isin(["clean", "autoattack"]) & (robustness["model"] == "net_a")]
        figure = draw_accuracy_epsilon(alone, VARIANTS)
        assert list(panels(figure)) == ["AutoAttack, L∞"]
        assert line(figure.axes[0], "dct") == (pytest.approx([0, 2]), pytest.approx([0.81, 0.26]))

    def test_a_part_of_autoattack_beside_the_whole_has_a_panel(self, robustness, results_of, row):
        part = [
            (*row.clean("net_a", variant, seed, 0)[:3], "autoattack", "accuracy", where, 0.4)
            for variant in ("plain", "dct")
            for seed in (0, 1)
            for norm, epsilon in (("linf", "2/255"), ("l2", "0.5"))
            for where in [{"attack": "apgd-ce", "norm": norm, "epsilon": epsilon}]
        ]
        both = pd.concat([results_of(part, "part"), robustness[robustness["model"] == "net_a"]])
        figure = draw_accuracy_epsilon(both.assign(dataset="toy_set"), VARIANTS)
        check_layout(figure)
        norm = "L∞"
        assert list(panels(figure)) == [f"FGSM, {norm}", f"PGD-10, {norm}", f"APGD-CE, {norm}", "PGD-10, L₂"]
        # AutoAttack is the guest of the strongest attack of its norm, the part where there is no whole a guest itself.
        assert line(panels(figure)[f"APGD-CE, {norm}"], "dct", filled=False)[1] == pytest.approx([0.26])
        assert line(panels(figure)["PGD-10, L₂"], "dct", filled=False)[1] == pytest.approx([0.4])

    def test_labels_and_layout(self, robustness):
        figure = draw_accuracy_epsilon(robustness, VARIANTS)
        assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["net_a\naccuracy (%)", "net_b\naccuracy (%)"]
        assert [axes.get_xlabel() for axes in figure.axes[3:]] == [
            *["radius ε (/255)"] * 2,
            "radius ε (L₂ norm)",
        ]
        assert [text.get_text() for text in figure.legends[0].get_texts()] == [*VARIANTS.values(), "AutoAttack"]
        check_layout(figure)

    def test_each_of_several_norms_has_a_row(self, results_of, row):
        attacks = ("fgsm", "pgd-10", "pgd-10-from-image", "pgd-40-from-random")
        rows = [
            row.attacked("net", variant, 0, attack, norm, epsilon, 0.5)
            for variant in VARIANTS
            for attack in attacks
            for norm, epsilons in (("linf", (1, 2, 4, 8)), ("l2", ("0.1", "0.125", "0.25", "0.5")))
            for epsilon in (f"{e}/255" if norm == "linf" else e for e in epsilons)
        ]
        rows += [
            row.attacked("net", name, 0, "autoattack", "linf", f"{e}/255", 0.1) for name in VARIANTS for e in (1, 8)
        ]
        figure = draw_accuracy_epsilon(results_of(rows), VARIANTS)
        check_layout(figure)
        titles = [axes.get_title().replace("\n", " ") for axes in figure.axes]
        assert [title[-2:] for title in titles] == ["L∞"] * 5 + ["L₂"] * 4 + [""]
        # Where it was measured, but for numbers that would overlap.
        assert figure.axes[0].get_xticks().tolist() == [1, 2, 4, 8]
        assert [text.get_text() for text in figure.axes[5].get_xticklabels()] == ["0.1", "0.25", "0.5"]

    def test_no_attack(self, results_of, row):
        with pytest.raises(InputError, match="adversarial or autoattack"):
            draw_accuracy_epsilon(results_of([row.clean("net", "plain", 0, 0.5)]), VARIANTS)


class TestCorruptions:
    def test_lines_and_order(self, results_of, row):
        rows = [
            row.corrupted("net", variant, seed, corruption, severity, 0.95 - 0.1 * severity - drop + 0.02 * seed)
            for corruption in reversed(CORRUPTIONS)
            for variant, drop in (("plain", 0.0), ("dct", 0.1))
            for seed in (0, 1)
            for severity in (3, 1, 5)
        ]
        figure = draw_corruptions(results_of(rows), VARIANTS)
        titles = [axes.get_title() for axes in figure.axes if axes.axison]
        assert titles[:4] == ["Gaussian noise", "shot noise", "impulse noise", "mean of the 15 common"]
        assert titles[-5:] == ["JPEG compression", "speckle noise", "Gaussian blur", "spatter", "saturate"]
        assert len(titles) == len(figure.axes) == 20  # four columns of five rows without a hole
        assert line(panels(figure)["fog"], "dct") == (pytest.approx([1, 3, 5]), pytest.approx([0.76, 0.56, 0.36]))
        assert [axes.get_ylabel() for axes in figure.axes[::4]] == ["noise", "blur", "weather", "digital", "extra"]
        assert figure.legends[0].get_title().get_text().endswith("n = 100; extra: not in the mean")
        (part,) = figure.subfigs
        assert (part.get_supxlabel(), part.get_supylabel()) == ("severity", "accuracy (%)")
        check_layout(figure)

    def test_the_mean_is_over_the_common_ones_at_severities_that_all_have(self, results_of, row):
        values = {("fog", 1): 0.8, ("frost", 1): 0.6, ("snow", 1): 0.1, ("fog", 2): 0.5, ("spatter", 1): 0.0}
        rows = [row.corrupted("net", "dct", 0, name, severity, value) for (name, severity), value in values.items()]
        rows += [row.corrupted("net", "dct", 0, "zoom_blur", 1, 0.3)]
        rows += [row.corrupted("net", "plain", 0, "fog", 1, 0.9)]  # lacks the others: it has no mean
        axes = panels(draw_corruptions(results_of(rows), VARIANTS))["mean of the 4 common"]
        assert line(axes, "dct") == ([1], pytest.approx([(0.8 + 0.6 + 0.1 + 0.3) / 4]))
        assert [drawn for drawn in axes.lines if len(drawn.get_xdata())] == [axes.lines[0]]

    def test_some_corruptions_and_two_models(self, results_of, row):
        rows = [row.corrupted(model, "plain", 0, "frost", s, 0.5) for model in ("net_b", "net_a") for s in (1, 2)]
        figure = draw_corruptions(results_of(rows), VARIANTS)
        assert [axes.get_title() for axes in figure.axes] == ["frost"] * 2
        assert [part.get_suptitle() for part in figure.subfigs] == ["net_b", "net_a"]


class TestShapeBias:
    @pytest.fixture
    def figure(self, results_of, row):
        rows = []
        for variant, bias in (("plain", 0.2), ("dct", 0.4)):
            for seed in (0, 1):
                rows.append(row.biased("net", variant, seed, "overall", bias + 0.1 * seed))
                rows.append(row.biased("net", variant, seed, "traffic_light", 2 * bias))
                rows.append(row.biased("net", variant, seed, "n02124075", bias - 0.2 + 0.2 * seed))
        return draw_shape_bias(results_of(rows), VARIANTS)

    def test_axes_run_from_shape_to_texture(self, figure):
        axes = figure.axes[0]
        left, right = axes.get_xlim()
        assert left > 1 > 0 > right
        assert axes.get_xlabel() == "fraction of 'shape' decisions"
        assert axes.xaxis.get_label_position() == "top"
        (texture,) = axes.child_axes
        assert texture.get_xlabel() == "fraction of 'texture' decisions"
        figure.draw_without_rendering()
        for shape in (0.1, 0.7):
            place = axes.transData.transform((shape, 0))[0]
            assert texture.transData.transform((1 - shape, 0))[0] == pytest.approx(place)

    def test_categories_from_the_top(self, figure):
        axes = figure.axes[0]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["traffic light", "Egyptian cat"]
        assert axes.yaxis_inverted()

    def test_markers_at_the_means_and_lines_at_the_overall_bias(self, figure):
        axes = figure.axes[0]
        found = [drawn for drawn in axes.lines if drawn.get_marker() == STYLES["dct"].marker]
        (markers,) = [drawn for drawn in found if len(drawn.get_xdata())]
        assert list(markers.get_xdata()) == pytest.approx([0.8, 0.3])
        assert np.round(markers.get_ydata()).tolist() == [0, 1]
        vertical = {drawn.get_xdata()[0] for drawn in axes.lines if list(drawn.get_ydata()) == [0, 1]}
        assert sorted(vertical) == pytest.approx([0.25, 0.45])

    def test_layout(self, figure):
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["plain", "WD"]
        check_layout(figure)


def filters(variant: str, seed: int, layer: int, depth: float, shares: np.ndarray) -> list:
    return [
        (
            *("net", variant, seed, "filters", "energy_share"),
            {"layer": f"conv{layer}", "index": layer, "depth": depth, "horizontal": horizontal, "vertical": vertical},
            shares[vertical, horizontal],
        )
        for vertical, horizontal in np.ndindex(shares.shape)
    ]


def heat_maps(figure: Figure) -> dict[tuple[str, str], np.ndarray]:
    """The heat maps of a figure of one model, in percent (vertical x horizontal), by layer and variant's label."""
    found = {}
    for subfigure in figure.subfigs[1:]:
        *maps, _ = subfigure.axes
        columns = sum(axes.get_subplotspec().rowspan.start == 0 for axes in maps)
        layers = [text.get_text().split("\n")[0] for axes in maps[::columns] for text in axes.texts[-1:]]
        for column in range(columns):
            for layer, axes in zip(layers, maps[column::columns], strict=True):
                if axes.axison:
                    label = maps[column].get_title().replace("\n", " ")
                    found[layer, label] = np.asarray(axes.collections[0].get_array())
    return found


class TestDctEnergy:
    @pytest.fixture
    def figure(self, results_of):
        flat5, flat3 = np.full((5, 5), 1 / 25), np.full((3, 3), 1 / 9)
        row_only = np.zeros((3, 3))
        row_only[0] = [0.5, 0.3, 0.2]
        rows = []
        for seed in (0, 1):
            rows += filters("plain", seed, 0, 0.0, flat5) + filters("plain", seed, 1, 0.5, flat3)
        rows += filters("plain", 0, 2, 1.0, row_only) + filters("plain", 1, 2, 1.0, row_only.T)
        rows += (
            filters("dct", 0, 0, 0.0, flat5) + filters("dct", 0, 1, 0.5, row_only) + filters("dct", 0, 2, 1.0, flat3)
        )
        return draw_dct_energy(results_of(rows), VARIANTS)

    def test_high_frequency_share(self, figure):
        # Of a flat 5 x 5 filter the 25 - 9 coefficients with max(k, l) > 2, of a 3 x 3 one 9 - 4 with max(k, l) = 2.
        assert line(figure.axes[0], "plain") == (pytest.approx([0, 0.5, 1]), pytest.approx([16 / 25, 5 / 9, 0.2]))
        assert line(figure.axes[0], "dct") == (pytest.approx([0, 0.5, 1]), pytest.approx([16 / 25, 0.2, 5 / 9]))

    def test_high_frequencies_are_those_of_each_variant_s_own_kernels(self, results_of):
        """Two downloaded models that count as one need not have kernels of one size."""
        rows = filters("plain", 0, 0, 0.0, np.full((7, 7), 1 / 49)) + filters("dct", 0, 0, 0.0, np.full((3, 3), 1 / 9))
        axes = draw_dct_energy(results_of(rows), VARIANTS).axes[0]
        assert line(axes, "plain")[1] == pytest.approx([(49 - 16) / 49])
        assert line(axes, "dct")[1] == pytest.approx([5 / 9])

    def test_heat_maps(self, figure):
        maps = heat_maps(figure)
        assert list(maps) == [(layer, name) for name in ("plain", "WD") for layer in ("first", "middle", "last")]
        assert maps["first", "plain"] == pytest.approx(np.full((5, 5), 4.0))
        # The last layer of plain, mean over seeds: (0.5, 0.3, 0.2) along the row, and along the column, halved.
        assert maps["last", "plain"] == pytest.approx(np.array([[50, 15, 10], [15, 0, 0], [10, 0, 0]]))
        assert maps["middle", "WD"][0].tolist() == pytest.approx([50, 30, 20])  # horizontal frequencies
        scale = figure.axes[-1]
        assert scale.get_ylim() == pytest.approx((0, 50))
        assert all(axes.collections[0].get_clim() == pytest.approx((0, 50)) for axes in figure.axes[1:7])

    def test_labels_and_layout(self, figure):
        _, maps = figure.subfigs
        assert (maps.get_supxlabel(), maps.get_supylabel()) == ("horizontal frequency", "vertical frequency")
        names = [text.get_text() for axes in figure.axes for text in axes.texts if not text.get_text().isdigit()]
        assert names == ["first\nlayer", "middle\nlayer", "last\nlayer"]  # nothing of the code's names
        assert all(text.get_rotation() == 0 for axes in figure.axes for text in axes.texts)
        assert "depth" in figure.axes[0].get_xlabel()
        check_layout(figure)

    def test_curves_and_maps_fill_the_width(self, figure):
        figure.draw_without_rendering()
        curve, first, *_, scale = (axes.get_tightbbox() for axes in figure.axes)
        assert first.y1 < curve.y0
        assert curve.width > 0.95 * figure.bbox.width
        assert first.x0 < 0.12 * figure.bbox.width
        assert scale.x1 > 0.95 * figure.bbox.width

    @pytest.mark.parametrize(
        ("count", "layers"), [(1, ["first"]), (2, ["first", "last"]), (7, ["first", "middle", "last"])]
    )
    def test_layers_shown(self, results_of, count, layers):
        rows = [
            row for i in range(count) for row in filters("plain", 0, i, i / max(count - 1, 1), np.full((3, 3), 1 / 9))
        ]
        figure = draw_dct_energy(results_of(rows), VARIANTS)
        assert list(heat_maps(figure)) == [(layer, "plain") for layer in layers]
        assert [text.get_text() for axes in figure.axes for text in axes.texts].count("11") == 9 * len(layers)

    def test_a_filter_higher_than_wide(self, results_of):
        rows = filters("plain", 0, 0, 0.0, np.full((5, 3), 1 / 15)) + filters("dct", 0, 0, 0.0, np.full((3, 3), 1 / 9))
        maps = heat_maps(draw_dct_energy(results_of(rows), VARIANTS))
        assert maps["first", "plain"] == pytest.approx(np.full((5, 3), 100 / 15))
        assert maps["first", "WD"] == pytest.approx(np.full((3, 3), 100 / 9))

    def test_variants_of_other_depths_and_kernels_each_show_their_own_layers(self, results_of):
        """Downloaded models of several architectures may stand under one name."""
        small, large = np.zeros((3, 3)), np.zeros((5, 5))
        small[2, 2] = large[3, 3] = 1  # high frequencies; with max(k, l) = 2 of a 5 x 5 filter it would be a low one
        rows = [row for layer in range(4) for row in filters("plain", 0, layer, layer / 3, small)]
        rows += [row for layer in range(2) for row in filters("dct", 0, layer, float(layer), large)]
        figure = draw_dct_energy(results_of(rows), VARIANTS)
        assert line(figure.axes[0], "plain")[1] == [1, 1, 1, 1]
        assert line(figure.axes[0], "dct")[1] == [1, 1]
        maps = heat_maps(figure)
        # Of two layers none is in the middle.
        assert set(maps) == {
            ("first", "plain"),
            ("middle", "plain"),
            ("last", "plain"),
            ("first", "WD"),
            ("last", "WD"),
        }
        assert [maps[layer, "plain"][2, 2] for layer in ("first", "middle", "last")] == [100] * 3
        assert [maps[layer, "WD"][3, 3] for layer in ("first", "last")] == [100] * 2
        check_layout(figure)

    def test_a_patch_embedding_is_no_layer_of_filters(self, results_of):
        """ConvNeXt's first layer, 4 x 4, cuts images into patches, and a vision transformer has nothing else."""
        patches, high = np.full((4, 4), 1 / 16), np.zeros((3, 3))
        high[2, 2] = 1
        rows = filters("plain", 0, 0, 0.0, patches)
        rows += [row for layer in (1, 2, 3) for row in filters("plain", 0, layer, layer / 3, high)]
        figure = draw_dct_energy(results_of(rows), VARIANTS)
        assert line(figure.axes[0], "plain") == (pytest.approx([0, 0.5, 1]), [1, 1, 1])
        assert heat_maps(figure)["first", "plain"][2, 2] == 100
        alone = draw_dct_energy(results_of(filters("plain", 0, 0, 0.0, patches)), VARIANTS)
        assert list(heat_maps(alone)) == [("patch", "plain")]

    def test_many_variants_share_their_rows(self, results_of):
        names = {f"v{i}": f"variant number {i}" for i in range(12)}
        rows = [row for name in names for i in range(3) for row in filters(name, 0, i, i / 2, np.full((3, 3), 1 / 9))]
        figure = draw_dct_energy(results_of(rows), names)
        check_layout(figure)
        assert len(heat_maps(figure)) == 3 * 12
        assert [len(maps.axes) for maps in figure.subfigs[1:]] == [3 * 6 + 1] * 2

    def test_models_have_their_own_maps(self, results_of):
        rows = [
            (model, *row[1:])
            for model, side in (("net_a", 3), ("net_b", 7))
            for row in filters("plain", 0, 0, 0.0, np.full((side, side), side**-2))
        ]
        figure = draw_dct_energy(results_of(rows), VARIANTS)
        check_layout(figure)
        assert [axes.get_title() for axes in figure.axes[:2]] == ["net_a", "net_b"]
        assert [maps.get_suptitle() for maps in figure.subfigs[1:]] == ["net_a", "net_b"]
        assert [maps.axes[0].collections[0].get_array().shape for maps in figure.subfigs[1:]] == [(3, 3), (7, 7)]

    def test_of_many_models_there_are_curves_alone(self, results_of):
        rows = [
            (f"net_{number}", *row[1:])
            for number in range(4)
            for variant in ("plain", "dct")
            for layer in range(2 + number)  # models differ in depth
            for row in filters(variant, 0, layer, layer / (1 + number), np.eye(3) / 3)
        ]
        figure = draw_dct_energy(results_of(rows), VARIANTS)
        check_layout(figure)
        drawn = [axes for axes in figure.axes if axes.axison]
        assert [axes.get_title() for axes in drawn] == ["net_0", "net_1", "net_2", "net_3"]
        assert line(drawn[3], "dct") == (pytest.approx([0, 0.25, 0.5, 0.75, 1]), pytest.approx([1 / 3] * 5))


SWEPT = {
    f"{layers}{strength}": {"kind": "highest", "strength": strength, "layers": layers, "beside": "WD"}
    for layers in ("third", "all")
    for strength in (0.1, 0.001)
}
SWEPT_LABELS = {"plain": "plain", "dct": "WD"} | {name: f"label {name}" for name in SWEPT}


class TestPenalties:
    @pytest.fixture
    def results(self, results_of, row):
        """Clean accuracy 0.5 (plain), 0.4 (dct), 0.6 + strength - 0.1 or 0.3; under attacks half, on fog 0.1 less."""
        values = {"plain": 0.5, "dct": 0.4}
        values |= {name: 0.6 + p["strength"] - {"all": 0.1, "third": 0.3}[p["layers"]] for name, p in SWEPT.items()}
        rows = []
        for model in ("net_a", "net_b"):
            for variant, mean in values.items():
                for value, seed in ((mean - 0.02, 0), (mean + 0.02, 1)):
                    rows += [row.clean(model, variant, seed, value)]
                    rows += [row.corrupted(model, variant, seed, "fog", 1, value - 0.1)]
                    for attack, factor in (("fgsm", 1.0), ("pgd-10", 0.5)):
                        rows.append(row.attacked(model, variant, seed, attack, "linf", "2/255", factor * value))
                    rows.append(row.attacked(model, variant, seed, "autoattack", "linf", "2/255", 0.0))
        return results_of(rows)

    def test_a_line_for_each_choice_of_layers(self, results):
        figure = draw_penalties(results, SWEPT_LABELS, SWEPT)
        check_layout(figure)
        names = [text.get_text() for text in figure.legends[0].get_texts()]
        assert names == ["plain", "WD", "layers: all", "layers: third"]
        axes = panels(figure)
        assert list(axes)[:3] == ["clean", "PGD-10, L∞ 2/255", "common corruptions"]
        # A line has the style of its first variant.
        numbers = dict(zip(names, (0, 1, 4, 2), strict=True))
        styles = variant_styles({name: name for name in names}, numbers)
        for axes, factor, less in zip(figure.axes[:3], (1, 0.5, 1), (0, 0, 0.1), strict=True):
            drawn = {
                name: next(found for found in axes.lines if same_color(found.get_color(), style.colour))
                for name, style in styles.items()
            }
            assert list(drawn["WD"].get_ydata()) == pytest.approx([factor * 0.4 - less] * 2)
            assert list(drawn["layers: all"].get_xdata()) == [0, 1]  # from the lower to the higher strength
            assert list(drawn["layers: all"].get_ydata()) == pytest.approx([factor * v - less for v in (0.501, 0.6)])
            assert list(drawn["layers: third"].get_ydata()) == pytest.approx([factor * v - less for v in (0.301, 0.4)])
        assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["0.001", "0.1"]
        assert figure.axes[0].get_ylabel() == "net_a\naccuracy (%)"

    def test_of_one_strength_the_axis_is_the_layers(self, results):
        weak = {name: penalty for name, penalty in SWEPT.items() if penalty["strength"] == 0.1}
        figure = draw_penalties(results, {name: SWEPT_LABELS[name] for name in ("dct", *weak)}, weak)
        assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["all", "third"]
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["WD", "with penalty"]

    def test_layers_stand_from_many_to_one(self, results):
        layers = dict(zip(SWEPT, ("first", "third", "all", "half"), strict=True))
        swept = {name: {**SWEPT[name], "strength": 1, "layers": layers[name]} for name in SWEPT}
        figure = draw_penalties(results, SWEPT_LABELS, swept)
        assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["all", "half", "third", "first"]

    def test_kinds_of_plain_and_of_decomposed_networks_stand_in_one_figure(self, results):
        beside = {"highest": "WD", "smooth": "plain"}
        pairs = (("highest", 0.1), ("smooth", 0.1), ("highest", 0.1), ("smooth", 0.1))
        swept = {
            name: {"kind": kind, "strength": strength, "layers": layers, "beside": beside[kind]}
            for name, (kind, strength), layers in zip(SWEPT, pairs, ("all", "all", "first", "first"), strict=True)
        }
        figure = draw_penalties(results, SWEPT_LABELS, swept, "kind")
        check_layout(figure)
        assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["highest", "smooth"]

    def test_a_line_may_be_called_like_a_variant_without_a_penalty(self, results):
        """Here the lines differ in what is beside the penalty: the variants `plain` and `dct`."""
        swept = {
            name: {**SWEPT[name], "beside": "plain" if "0.1" in name else "dct"} for name in ("all0.1", "all0.001")
        }
        figure = draw_penalties(results, {"plain": "plain", "dct": "dct", "all0.1": "a", "all0.001": "b"}, swept)
        names = [text.get_text() for text in figure.legends[0].get_texts()]
        assert names == ["plain", "dct", "plain", "dct"]
        colours = [handle.get_color() for handle in figure.legends[0].get_lines()]
        assert len(set(colours)) == 4

    def test_kinds_are_markers_beside_each_other(self, results):
        kinds = {
            name: {**penalty, "kind": kind, "strength": 0.1}
            for (name, penalty), kind in zip(SWEPT.items(), ("highest", "all", "highest", "all"), strict=True)
        }
        figure = draw_penalties(results, SWEPT_LABELS, kinds, "kind")
        check_layout(figure)
        axes = figure.axes[0]
        assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["highest", "all"]
        places = sorted(x for drawn in axes.lines if drawn.get_linestyle() == "None" for x in drawn.get_xdata())
        assert [round(place) for place in places] == [0, 0, 1, 1]
        assert len(set(places)) == 4

    def test_without_a_penalty_there_is_nothing_to_draw(self, results):
        with pytest.raises(InputError, match="no results of a variant with a penalty"):
            draw_penalties(results, {"plain": "plain"}, SWEPT)


class TestTransfer:
    def test_panels_for_both_sides(self, results_of, row):
        rows = []
        for variant, start in (("plain", 0.9), ("dct", 0.8)):
            for seed, better in ((0, 0.0), (1, 0.02)):
                rows.append(row.clean("net", variant, seed, start + better))
                rows.append(row.attacked("net", variant, seed, "pgd-10", "linf", "2/255", 0.2 + better))
                for epsilon in (4, 2):
                    where = {"attack": "pgd-10", "norm": "linf", "epsilon": f"{epsilon}/255", "source": "plain"}
                    value = start + better - 0.1 * epsilon
                    rows.append(("net", variant, seed, "transfer", "accuracy", where, value))
        figure = draw_transfer(results_of(rows), VARIANTS)
        check_layout(figure)
        assert [axes.get_title().split("\n")[1] for axes in figure.axes] == [
            "made on the model itself",
            "made on plain",
        ]
        assert line(figure.axes[0], "dct") == (pytest.approx([0, 2]), pytest.approx([0.81, 0.21]))
        assert line(figure.axes[1], "dct") == (pytest.approx([0, 2, 4]), pytest.approx([0.81, 0.61, 0.41]))


class TestCalibration:
    def test_lines_begin_with_clean_images(self, results_of):
        name = "expected_calibration_error"
        rows = []
        for model in ("net_a", "net_b"):
            rows.append((model, "dct", 0, "clean", name, {"split": "test"}, 0.05))
            for corruption, error in (("fog", 0.1), ("snow", 0.3), ("saturate", 0.9)):
                for severity in (3, 1):
                    where = {"corruption": corruption, "severity": severity}
                    rows.append((model, "dct", 0, "corruption", name, where, error * severity / 3))
        figure = draw_calibration(results_of(rows), VARIANTS)
        check_layout(figure)
        assert [axes.get_title() for axes in figure.axes] == ["net_a", "net_b"]
        (drawn,) = [found for found in figure.axes[0].lines if len(found.get_xdata())]
        assert list(drawn.get_xdata()) == [0, 1, 3]
        assert list(drawn.get_ydata()) == pytest.approx([0.05, 0.2 / 3, 0.2])  # without the extra corruption saturate


class TestTrainingCurves:
    @pytest.fixture
    def histories(self):
        records = [
            (variant, seed, epoch, 1 / epoch + 0.2 * seed, penalty / epoch, 0.5 + 0.1 * epoch, 0.4 + 0.1 * epoch)
            for variant, penalty in (("plain", 0.0), ("dct", 0.3))
            for seed in (0, 1)
            for epoch in (1, 2, 4)
        ]
        columns = ["variant", "seed", "epoch", "loss", "penalty", "train_accuracy", "test_accuracy"]
        return pd.DataFrame(records, columns=columns).assign(model="net", learning_rate=0.1)

    def test_lines(self, histories):
        figure = draw_training_curves(histories, VARIANTS)
        axes = panels(figure)
        assert list(axes) == ["cross entropy", "frequency penalty", "training accuracy (%)", "test accuracy (%)"]
        assert line(axes["cross entropy"], "plain") == (pytest.approx([1, 2, 4]), pytest.approx([1.1, 0.6, 0.35]))
        assert line(axes["frequency penalty"], "dct")[1] == pytest.approx([0.3, 0.15, 0.075])
        assert line(axes["test accuracy (%)"], "dct")[1] == pytest.approx([0.5, 0.6, 0.8])
        assert axes["cross entropy"].get_xlabel() == "epoch"
        check_layout(figure)

    def test_few_epochs_have_markers(self, histories):
        def markers(count: int) -> set[str]:
            longer = pd.concat([histories.assign(epoch=histories["epoch"] + 10 * turn) for turn in range(count)])
            figure = draw_training_curves(longer, VARIANTS)
            return {found.get_marker() for found in (*figure.axes[0].lines, *figure.legends[0].get_lines())}

        assert markers(3) == {STYLES[name].marker for name in ("plain", "dct")}
        assert markers(4) == {"None"}

    @pytest.mark.parametrize(("factor", "power"), [(1e-6, "⁻⁷"), (1e6, "⁵")])
    def test_a_power_of_ten_is_in_the_title(self, histories, factor, power):
        """And not above the axis, where it is overlooked or overlaps the title."""
        figure = draw_training_curves(histories.assign(penalty=factor * histories["penalty"]), VARIANTS)
        axes = panels(figure)[f"frequency penalty (×10{power})"]
        assert line(axes, "dct")[1] == pytest.approx([3, 1.5, 0.75])
        figure.draw_without_rendering()
        assert axes.yaxis.get_offset_text().get_text() == ""

    def test_a_penalty_of_zero_is_not_drawn(self, histories):
        with pytest.raises(AssertionError, match="0 lines"):
            line(panels(draw_training_curves(histories, VARIANTS))["frequency penalty"], "plain")
        assert "frequency penalty" not in panels(draw_training_curves(histories.assign(penalty=0.0), VARIANTS))

    def test_a_validation_is_a_panel_of_the_runs_that_have_one(self, histories):
        validated = histories["test_accuracy"].where(histories["variant"] == "dct") - 0.1
        figure = draw_training_curves(histories.assign(validation_accuracy=validated), VARIANTS)
        check_layout(figure)
        axes = panels(figure)["validation\naccuracy (%)"]
        assert line(axes, "dct")[1] == pytest.approx([0.4, 0.5, 0.7])
        assert len([found for found in axes.lines if len(found.get_xdata())]) == 1
        without = draw_training_curves(histories.assign(validation_accuracy=float("nan")), VARIANTS)
        assert len(panels(without)) == len(panels(figure)) - 1

    def test_bad_input(self, histories):
        with pytest.raises(InputError, match="lack the columns loss"):
            draw_training_curves(histories.drop(columns="loss"), VARIANTS)
        with pytest.raises(InputError, match="no training histories of the variants other"):
            draw_training_curves(histories, {"other": "other"})


def test_a_figure_is_the_same_twice(robustness, tmp_path):
    files = []
    for name in "ab":
        save(draw_accuracy_epsilon(robustness, VARIANTS), tmp_path / f"{name}.png", tmp_path / f"{name}.pdf")
        files.append(((tmp_path / f"{name}.png").read_bytes(), (tmp_path / f"{name}.pdf").read_bytes()))
    assert files[0] == files[1]


def test_filtered_images_have_a_panel_for_each_side_of_the_radius(results_of):
    radii = {"low": (4, 12, 8), "high": (6,)}
    rows = [
        (model, variant, seed, "frequency_filtered", "accuracy", {"pass": kind, "radius": radius}, start + radius / 40)
        for model in ("net_a", "net_b")
        for variant, start in (("plain", 0.2), ("dct", 0.4))
        for seed, start in ((0, start - 0.05), (1, start + 0.05))
        for kind, its_radii in radii.items()
        for radius in its_radii
    ]
    figure = draw_frequency_filtered(results_of(rows), VARIANTS)
    check_layout(figure)
    assert list(panels(figure)) == ["low pass", "high pass", ""]
    low, high = figure.axes[:2]
    assert ([low.get_xticks().tolist(), high.get_xticks().tolist()]) == [[4, 8, 12], [6]]
    assert line(low, "dct") == ([4, 8, 12], pytest.approx([0.5, 0.6, 0.7]))
    assert line(high, "plain") == ([6], pytest.approx([0.35]))


def test_filtered_images_of_either_split_mask_and_rescaling_have_panels_of_their_own(results_of, row):
    conditions = {
        "": ({}, 0.1),
        "training images": ({"split": "train"}, 0.2),
        "test images": ({"split": "test", "mask": "strict", "rescale": "none"}, 0.1),
        "non-strict mask": ({"split": "test", "mask": "non_strict"}, 0.4),
        "rescaled": ({"split": "test", "rescale": "released"}, 0.5),
    }
    rows = {
        name: [
            ("net", "plain", 0, "frequency_filtered", "accuracy", {"pass": "low", "radius": radius, **keys}, value)
            for radius in (4, 8)
        ]
        for name, (keys, value) in conditions.items()
    }
    beside = [row.clean("net", "plain", 0, 0.9)]
    beside += [("net", "plain", 0, "frequency_filtered", "only_high", {"radius": 4}, 0.3)]
    beside += [("net", "plain", 0, "frequency_filtered", "svd_accuracy", {"part": "leading", "rank": 2}, 0.3)]
    # What is by default need not be said, nor be given.
    for name in ("", "test images"):
        assert list(panels(draw_frequency_filtered(results_of(rows[name] + beside), VARIANTS))) == ["low pass"]
    for name in ("training images", "non-strict mask", "rescaled"):
        figure = draw_frequency_filtered(results_of(rows[name] + beside), VARIANTS)
        assert [title.replace("\n", " ") for title in panels(figure)] == [f"low pass, {name}"]

    both = [*rows["test images"], *rows["training images"], *rows["rescaled"], *beside]
    figure = draw_frequency_filtered(results_of(both), VARIANTS)
    check_layout(figure)
    assert [title.replace("\n", " ") for title in panels(figure)] == [
        *("low pass, test images", "low pass, training images", "low pass, test images, rescaled")
    ]
    drawn = [[found for found in axes.lines if list(found.get_xdata()) == [4, 8]] for axes in figure.axes]
    values = [[list(found.get_ydata()) for found in lines] for lines in drawn]
    assert values == [[pytest.approx([value, value])] for value in (0.1, 0.2, 0.5)]
    # The accuracy on whole images is of test images.
    across = [sum(list(found.get_xdata()) == [0, 1] for found in axes.lines) for axes in figure.axes]
    assert across == [1, 0, 1]


def test_unfiltered_images_are_a_line_across(results_of, row):
    rows = [
        ("net", variant, seed, "frequency_filtered", "accuracy", {"pass": "low", "radius": 4}, 0.5)
        for variant in ("plain", "dct")
        for seed in (0, 1)
    ]
    rows += [row.clean("net", "dct", 0, 0.8), row.clean("net", "dct", 1, 0.9)]
    rows += [(*row.clean("net", "plain", 0, 0.7), 1000)]  # of other images
    figure = draw_frequency_filtered(results_of(rows), VARIANTS)
    across = [found for found in figure.axes[0].lines if list(found.get_xdata()) == [0, 1]]
    assert [found.get_ydata()[0] for found in across] == [pytest.approx(0.85)]
    assert same_color(across[0].get_color(), STYLES["dct"].colour)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["plain", "WD", "unfiltered images"]
    check_layout(figure)


def test_a_filter_that_was_not_evaluated_has_no_panel(results_of):
    rows = [("net", "plain", 0, "frequency_filtered", "accuracy", {"pass": "high", "radius": 4}, 0.5)]
    assert list(panels(draw_frequency_filtered(results_of(rows), VARIANTS))) == ["high pass"]


class TestFourierHeatMap:
    @pytest.fixture
    def rows(self):
        """Of images of 4 x 4 pixels: the error is 0.1 for each cycle, and 0.05 more with the second seed."""
        return [
            (model, variant, seed, "fourier_heat_map", metric, {"l2_norm": 4, "u": u, "v": v}, value)
            for model, variant in (("net_a", "plain"), ("net_a", "dct"), ("net_b", "plain"))
            for seed in (0, 1)
            for u, v in distinct_frequencies(4, 4)
            for metric, value in (("error", 0.1 * (abs(u) + abs(v)) + 0.05 * seed), ("norm_of_change", 3.5))
        ]

    def test_maps_are_whole_and_on_one_scale(self, results_of, rows):
        image = np.full((4, 4, 3), 128, np.uint8)
        figure = draw_fourier_heat_map(ResultsWithImages(results_of(rows), image[None]), VARIANTS)
        check_layout(figure)
        *maps, examples = (axes for axes in figure.axes if axes.get_images())
        assert [axes.get_title() for axes in maps] == [
            "net_a\nplain",
            "net_a\nWD",
            "net_b\nplain",
        ]
        (image,) = maps[0].get_images()
        expected = [[100 * (0.1 * (abs(u) + abs(v)) + 0.025) for v in range(-2, 2)] for u in range(-2, 2)]
        np.testing.assert_allclose(image.get_array(), expected)
        # Frequency 0 is in the middle of its pixel.
        assert list(image.get_extent()) == [-2.5, 1.5, 1.5, -2.5]
        assert {image.get_clim() for axes in maps for image in axes.get_images()} == {(0, 100)}
        # Below, the image itself, brighter by norm / side, and with a wave of one cycle.
        canvas = examples.get_images()[0].get_array()
        assert [text.get_text() for text in examples.texts] == ["image", "0, 0", "1, 1"]
        assert (canvas[:, :4] == 128).all()
        assert (canvas[:, 5:9] == 255).all()
        wave = np.cos(2 * np.pi * -np.add.outer(np.arange(4), np.arange(4)) / 4 + np.pi / 4) * np.sqrt(2)
        np.testing.assert_array_equal(canvas[:, 10:, 0], np.rint(255 * np.clip(128 / 255 + wave, 0, 1)))

    def test_maps_of_a_layer_are_shares_of_their_largest(self, results_of, rows):
        """A layer's change is twice the distance from the frequency 0, in one variant ten times that, in one none."""
        factors = {("net_a", "plain"): 2, ("net_a", "dct"): 20, ("net_b", "plain"): 0}

        def change(run: tuple, where: dict) -> float:
            return factors[run] * np.hypot(where["u"], where["v"])

        rows += [
            (*row[:4], "layer_change", {**row[5], "layer": "layer1"}, change(row[:2], row[5]))
            for row in rows
            if row[4] == "error"
        ]
        figure = draw_fourier_heat_map(ResultsWithImages(results_of(rows), np.zeros((1, 4, 4, 3), np.uint8)), VARIANTS)
        check_layout(figure)
        maps = [axes for axes in figure.axes if axes.get_title()]
        assert [axes.get_title() for axes in maps] == 2 * ["net_a\nplain", "net_a\nWD", "net_b\nplain"]
        shown = [axes.get_images()[0] for axes in maps]
        assert [image.get_clim() for image in shown] == 6 * [(0, 100)]
        expected = [[100 * np.hypot(u, v) / np.hypot(2, 2) for v in range(-2, 2)] for u in range(-2, 2)]
        for image, factor in zip(shown[3:], (1, 1, 0), strict=True):
            np.testing.assert_allclose(image.get_array(), factor * np.array(expected))
        bars = [axes.get_ylabel() for axes in figure.axes if axes.get_label() == "<colorbar>"]
        assert bars == ["error (%)", "change (% of the largest)"]

    @pytest.mark.parametrize(
        ("count", "shape"),
        [
            *((1, (1, 1)), (2, (1, 2)), (5, (1, 5)), (6, (2, 3))),
            *((7, (2, 4)), (9, (3, 3)), (12, (3, 4)), (27, (6, 5))),
        ],
    )
    def test_few_cells_of_a_grid_are_empty(self, count, shape):
        assert grid_shape(count, 5) == shape

    def test_only_maps_at_the_left_and_below_are_numbered(self, results_of, rows):
        names = [f"variant-{number}" for number in range(7)]
        seven = [(row[0], name, *row[2:]) for name in names for row in rows if row[:2] == ("net_b", "plain")]
        image = np.zeros((1, 4, 4, 3), np.uint8)
        figure = draw_fourier_heat_map(ResultsWithImages(results_of(seven), image), {name: name for name in names})
        check_layout(figure)
        maps = [axes for axes in figure.axes if axes.get_title()]
        left = [axes.yaxis.get_tick_params()["labelleft"] for axes in maps]
        below = [axes.xaxis.get_tick_params()["labelbottom"] for axes in maps]
        assert left == [True, False, False, False, True, False, False]
        assert below == [False, False, False, True, True, True, True]

    @pytest.mark.parametrize(
        ("size", "highest"), [((4, 4), None), ((5, 5), None), ((9, 9), 2), ((8, 8), 4), ((8, 8), 1)]
    )
    def test_a_map_has_both_of_each_pair(self, size, highest):
        """Against the amplitudes of a random image, whose spectrum is as symmetric."""
        spectrum = np.abs(np.fft.fftshift(np.fft.fft2(np.random.default_rng(0).normal(size=size))))
        middle = size[0] // 2
        found = {(u, v): spectrum[u + middle, v + middle] for u, v in distinct_frequencies(*size, highest)}
        values = pd.Series(found).rename_axis(["u", "v"])
        table = whole_map(values)
        assert not table.isna().any(axis=None)
        inside = slice(table.index[0] + middle, table.index[-1] + middle + 1)
        np.testing.assert_allclose(table, spectrum[inside, inside])


def test_no_noise_is_none_of_a_complements_bandwidths(results_of):
    """A complement has the more noise the smaller its bandwidth is, a low-pass the less."""
    rows = [
        ("net", "plain", 0, "band_noise", "accuracy", {"band": band, "bandwidth": width, "l2_norm": 8}, 0.5)
        for band in ("low", "complement")
        for width in (0, 3, 7)
    ]
    low, complement = draw_band_noise(results_of(rows), VARIANTS).axes
    assert [float(x) for x in low.lines[0].get_xdata()] == [0, 3, 7]
    assert [float(x) for x in complement.lines[0].get_xdata()] == [3, 7]


@pytest.mark.skipif(not PUBLISHED.exists(), reason="needs the published points in ../shared")
def test_published_noise_of_bands_is_that_of_the_figure(results_of):
    """Behind ours, of CIFAR-10 and the paper's norm alone."""
    figure = json.loads(PUBLISHED.read_text())["figure_5"]
    rows = [
        ("net", "plain", 0, "band_noise", "accuracy", {"band": band, "bandwidth": width, "l2_norm": norm}, 0.5)
        for band in ("low", "corner")
        for width in (0, 3, 31)
        for norm in (4, 8)
    ]
    drawn = draw_band_noise(results_of(rows, "cifar10"), VARIANTS)
    check_layout(drawn)
    for axes, published in zip(drawn.axes, ({}, figure["low_pass"], {}, figure["high_pass"]), strict=True):
        grey = [line for line in axes.lines if str(line.get_label()).startswith("published: ")]
        assert [list(line.get_ydata()) for line in grey] == list(published.values())
        assert all(list(line.get_xdata()) == figure["bandwidth"] for line in grey)
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels[1:] == ["published: natural", "published: Gaussian noise", "published: adversarial training"]
    assert len(draw_band_noise(results_of(rows), VARIANTS).legends[0].get_texts()) == 1


@pytest.mark.parametrize("models", [["net"], ["net_a", "net_b"], ["a", "b", "c", "d"]])
def test_units_crossed_towards_an_adversarial_example_stand_beside_a_random_way(results_of, models):
    where = {"attack": "pgd-50-from-image", "norm": "l2", "epsilon": "0.5"}
    rows = []
    for model, (variant, share), seed in itertools.product(models, (("plain", 0.1), ("dct", 0.05)), (0, 1)):
        run = (model, variant, seed, "regions")
        rows += [
            (*run, "crossed_units", {"path": "attack", **where}, share + 0.02 * seed),
            (*run, "crossed_units", {"path": "random", **where}, share / 2),
            (*run, "error", {"path": "attack", **where}, 1.0),
            (*run, "norm_of_change", where, 0.5),
            (*run, "relu_units", {"split": "test"}, 1000),
        ]
    figure = draw_regions(results_of(rows), VARIANTS)
    check_layout(figure)
    for axes in figure.axes[: len(models)]:
        assert line(axes, "plain") == ([0, 1], pytest.approx([0.05, 0.11]))
        assert line(axes, "dct") == ([0, 1], pytest.approx([0.025, 0.06]))
        assert [text.get_text() for text in axes.get_xticklabels()] == ["random\ndirection", "adversarial\nexample"]
    note = figure.legends[0].get_title().get_text().replace("\n", " ")
    assert note.startswith(
        "PGD-50 from the image, L₂, ε = 0.5; lines: mean, bands: lowest to highest of 2 seeds; n = 100"
    )


class TestSpectraAlongLines:
    @staticmethod
    def rows(model, variant, power, output="logit", unit="normalised", seed=0):
        where = {"output": output, "unit": unit, "length": 24}
        run = (model, variant, seed, "line_spectrum")
        found = [(*run, "line_power", {**where, "frequency": f}, power / f**2) for f in (0.02, 0.1, 1.0, 2.5)]
        return found + [(*run, "line_power_share", {**where, "frequency": f}, 0.25) for f in (0.02, 0.1, 1.0, 2.5)]

    @pytest.mark.parametrize("unit", ["normalised", "pixels"])
    def test_power_is_logarithmic_in_both_directions(self, results_of, unit):
        rows = [
            row
            for model in ("net_a", "net_b")
            for variant, power in (("plain", 1.0), ("dct", 1e-6))
            for output, scale in (("logit", 1), ("probability", 1e-4))
            for row in self.rows(model, variant, scale * power, output, unit)
        ]
        figure = draw_line_spectrum(results_of(rows), VARIANTS)
        check_layout(figure)
        assert len(figure.axes) == 4
        for axes in figure.axes:
            assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        logit, probability = figure.axes[:2]
        assert line(logit, "plain") == ([0.02, 0.1, 1, 2.5], pytest.approx([2500, 100, 1, 0.16]))
        assert line(probability, "dct")[1] == pytest.approx([2.5e-7, 1e-8, 1e-10, 1.6e-11])
        form = probability.yaxis.get_major_formatter()
        assert [form(value) for value in (1e-10, 0.01, 1, 1000)] == ["10⁻¹⁰", "10⁻²", "10⁰", "10³"]
        assert ("[0, 1]" in figure.axes[-1].get_xlabel()) is (unit == "pixels")

    def test_means_over_seeds_are_arithmetic_for_each_model(self, results_of):
        rows = [
            row
            for model in ("net_a", "net_b")
            for output in ("logit", "probability")
            for seed, power in enumerate((1.0, 99.0))
            for row in self.rows(model, "plain", power, output, seed=seed)
        ]
        figure = draw_line_spectrum(results_of(rows), VARIANTS)
        for axes in figure.axes:
            assert line(axes, "plain")[1] == pytest.approx([125_000, 5_000, 50, 8])

    def test_a_function_without_power_is_left_out(self, results_of):
        rows = self.rows("net", "plain", 1.0) + self.rows("net", "dct", 0.0)
        for variant in ("plain", "dct"):
            rows += self.rows("net", variant, 0.0, "probability")
        figure = draw_line_spectrum(results_of(rows), VARIANTS)
        check_layout(figure)
        assert line(figure.axes[0], "plain")[1] == pytest.approx([2500, 100, 1, 0.16])


class TestFourierAttack:
    def test_accuracies_and_the_vector_for_all_images(self, results_of):
        rows = []
        for variant, u in (("plain", -2), ("dct", -1)):
            for norm, error in ((2, 0.25), (1, 0.125)):
                universal = {"l2_norm": norm, "u": u, "v": 0}
                rows.append(("net", variant, 0, "fourier_attack", "universal_error", universal, error))
                rows.append(("net", variant, 0, "fourier_attack", "fooled", {"l2_norm": norm}, 2 * error))
        image = np.full((4, 4, 3), 128, np.uint8)
        figure = draw_fourier_attack(ResultsWithImages(results_of(rows), image[None]), VARIANTS)
        check_layout(figure)
        universal, one_each, examples = figure.axes
        assert {tuple(line.get_ydata()) for line in universal.lines} == {(0.875, 0.75)}
        assert {tuple(line.get_ydata()) for line in one_each.lines} == {(0.75, 0.5)}
        # Two cycles of four pixels up and down: stripes of norm / 4 about the grey of the image.
        assert [text.get_text() for text in examples.texts] == ["image", "norm 1\n2, 0", "norm 2\n2, 0"]
        canvas = examples.get_images()[0].get_array()
        assert canvas[:, 5, 0].tolist() == [192, 64, 192, 64]
        assert canvas[:, 10, 0].tolist() == [255, 0, 255, 0]


class TestSpectra:
    @pytest.fixture
    def rows(self) -> list:
        """Of images of 6 x 6 pixels, whose size is 100 / (1 + |u| + |v|), and a tenth of it under fog."""
        attack = {"attack": "pgd-50", "norm": "linf", "epsilon": "8/255"}
        rows = []
        for u, v in distinct_frequencies(6, 6):
            where, size = {"u": u, "v": v}, 100 / (1 + abs(u) + abs(v))
            rows.append(("", "", 0, "spectra", "natural_magnitude", where, size))
            fog = {"corruption": "fog", "severity": 3}
            rows.append(("", "", 0, "spectra", "corruption_magnitude", fog | where, size / 10))
            rows += [
                ("net", variant, seed, "spectra", "adversarial_magnitude", attack | where, 0.5 + 0.1 * abs(u) + seed)
                for variant in ("plain", "dct")
                for seed in (0, 1)
            ]
        return rows

    @pytest.fixture
    def figure(self, results_of, rows) -> Figure:
        figure = draw_spectra(results_of(rows), VARIANTS, style_numbers={"plain": 0, "dct": 1})
        check_layout(figure)
        return figure

    def test_maps_of_images_and_corruptions_are_on_one_logarithmic_scale(self, figure):
        maps = {axes.get_title(): axes.get_images()[0] for axes in figure.axes if axes.get_images()}
        expected = [[100 / (1 + abs(u) + abs(v)) for v in range(-3, 3)] for u in range(-3, 3)]
        np.testing.assert_allclose(maps["natural\nimages"].get_array(), expected)
        np.testing.assert_allclose(maps["fog"].get_array(), np.divide(expected, 10))
        for name in ("natural\nimages", "fog"):
            assert isinstance(maps[name].norm, LogNorm)
            assert maps[name].get_clim() == pytest.approx((10 / 7, 100))
            assert list(maps[name].get_extent()) == [-3.5, 2.5, 2.5, -3.5]

    def test_maps_of_attacks_are_means_over_seeds_on_a_scale_to_the_largest(self, figure):
        maps = {axes.get_title(): axes.get_images()[0] for axes in figure.axes if axes.get_images()}
        expected = [[1 + 0.1 * abs(u) for _ in range(6)] for u in range(-3, 3)]
        for label in ("plain", "WD"):
            np.testing.assert_allclose(maps[label].get_array(), expected)
            assert maps[label].get_clim() == (0, 1.3)
            assert not isinstance(maps[label].norm, LogNorm)
        assert "mean |F|\n(to the largest)" in [axes.get_ylabel() for axes in figure.axes]

    def test_the_papers_scale_is_that_of_values_that_reach_it(self, results_of, rows):
        larger = [(*row[:-1], row[-1] + 0.7) if row[4] == "adversarial_magnitude" else row for row in rows]
        figure = draw_spectra(results_of(larger), VARIANTS)
        maps = {axes.get_title(): axes.get_images()[0] for axes in figure.axes if axes.get_images()}
        assert maps["plain"].get_clim() == maps["WD"].get_clim() == (0, 1.5)
        assert "mean |F|\n(the paper's scale)" in [axes.get_ylabel() for axes in figure.axes]

    @pytest.mark.parametrize("count", [3, 4, 5])
    def test_curves_fill_what_maps_leave_of_the_last_row(self, results_of, rows, count):
        names = [f"variant-{number}" for number in range(count)]
        images = [row for row in rows if row[1] == ""]
        attacked = [(row[0], name, *row[2:]) for name in names for row in rows if row[1] == "plain"]
        figure = draw_spectra(results_of(images + attacked), {name: name for name in names})
        check_layout(figure)
        (curves,) = [axes for axes in figure.axes if len(axes.lines) == count]
        spec = curves.get_subplotspec()
        grid = spec.get_gridspec()
        assert (spec.rowspan.stop, spec.colspan.stop) == (grid.nrows, grid.ncols)
        assert len(spec.colspan) >= 2
        assert count + len(spec.colspan) == grid.nrows * grid.ncols

    def test_the_vertical_frequency_is_named_left_of_the_maps_and_the_scale_at_their_right(self, figure):
        figure.draw_without_rendering()
        labels = [text for text in figure.findobj(Text) if text.get_text().startswith("vertical frequency")]
        maps = [axes.get_window_extent() for axes in figure.axes if axes.get_images()]
        bars = [axes.get_window_extent() for axes in figure.axes if axes.get_ylabel().startswith("mean |F|")]
        assert len(labels) == len(bars) == 2
        assert max(text.get_window_extent().x1 for text in labels) < min(box.x0 for box in maps)
        assert min(box.x0 for box in bars) > max(box.x1 for box in maps)

    def test_curves_are_means_over_rings(self, figure):
        """Rounded, the radius is 1 of (0, 1) and (1, 1), and 2 of (0, 2) and (1, 2), 4, 4, 4 and 8 pixels."""
        curves = [axes for axes in figure.axes if axes.get_yscale() == "log" and not axes.get_images()]
        natural, fog = curves[1].lines
        rings = [100, (4 * 100 / 2 + 4 * 100 / 3) / 8, (4 * 100 / 3 + 8 * 100 / 4) / 12]
        assert list(natural.get_xdata()) == [0, 1, 2]
        assert natural.get_ydata() == pytest.approx(rings)
        assert fog.get_ydata() == pytest.approx([ring / 10 for ring in rings])


ENERGIES = {"fog": 0.1, "glass_blur": 0.4, "pixelate": 0.405, "shot_noise": 0.7}


class TestEnergySlopes:
    def rows(self, models: tuple[str, ...] = ("net",)) -> list:
        """Accuracies of dct are 0.1 less than plain's and as much more as half of the energy."""
        rows = [
            ("", "", 0, "spectra", "high_frequency_energy", {"corruption": name, "bandwidth": 27}, energy)
            for name, energy in ENERGIES.items()
        ]
        for name, energy in ENERGIES.items():
            for seed, severity, model in itertools.product((0, 1), (1, 2), models):
                where = {"corruption": name, "severity": severity}
                plain = 0.6 - 0.1 * severity + 0.05 * seed
                rows.append((model, "plain", seed, "corruption", "accuracy", where, plain))
                rows.append((model, "dct", seed, "corruption", "accuracy", where, plain - 0.1 + 0.5 * energy))
        return rows

    def test_points_lines_and_legend(self, results_of):
        other = [("other", "fgsm", *row[2:]) for row in self.rows() if row[1] == "dct"]  # of no baseline
        figure = draw_energy_slopes(results_of(self.rows() + other), VARIANTS, baseline="plain")
        figure.draw_without_rendering()
        (axes,) = figure.axes
        (points,) = axes.collections
        np.testing.assert_allclose(points.get_offsets(), [[h, 0.5 * h - 0.1] for h in ENERGIES.values()])
        assert line(axes, "dct") == ([0, 0.7], pytest.approx([-0.1, 0.25]))
        assert [text.get_text() for text in figure.legends[0].get_texts()] == [
            "plain:\n47.5 %",
            "WD:\n57.6 %, k = 0.50 [0.50, 0.50], r = 0.00",
        ]
        assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["−20", "−10"]
        assert axes.get_ylabel() == "accuracy less that of\nplain (points)"

    def test_slopes_and_ticks_have_one_minus(self, results_of):
        swapped = {"plain": "dct", "dct": "plain"}
        rows = [(model, swapped.get(variant, variant), *rest) for model, variant, *rest in self.rows()]
        legend = draw_energy_slopes(results_of(rows), VARIANTS, baseline="plain").legends[0]
        assert "k = −0.50 [−0.50, −0.50]" in legend.get_texts()[1].get_text()

    def test_points_of_too_few_energies_have_no_line(self, results_of):
        """Nor have those whose energies are the same."""
        few = [row for row in self.rows() if row[5]["corruption"] in ("fog", "pixelate")]
        same = [(*row[:-1], 0.5) if row[3] == "spectra" else row for row in self.rows()]
        for rows, points in ((few, 2), (same, 4)):
            figure = draw_energy_slopes(results_of(rows), VARIANTS, baseline="plain")
            figure.draw_without_rendering()
            (axes,) = figure.axes
            assert len(axes.collections[0].get_offsets()) == points
            assert "nan" not in " ".join(text.get_text() for text in figure.legends[0].get_texts())
            assert [text.get_text().partition(":")[0] for text in figure.legends[0].get_texts()] == ["plain", "WD"]
            assert STYLES["dct"].colour not in [line.get_color() for line in axes.lines]

    def test_names_of_corruptions_do_not_overlap(self, results_of):
        figure = draw_energy_slopes(results_of(self.rows(("net_a", "net_b"))), VARIANTS, baseline="plain")
        check_layout(figure)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["plain", "WD"]
        for axes in figure.axes:
            boxes = [text.get_window_extent() for text in axes.texts]
            assert {text.get_text() for text in axes.texts} == {"fog", "glass blur", "pixelate", "shot noise"}
            for one, other in itertools.combinations(boxes, 2):
                assert not one.overlaps(other)

    def test_without_a_pair_nothing_can_be_compared(self, results_of):
        rows = [row for row in self.rows() if row[1] != "plain"]
        with pytest.raises(InputError, match="there is no run of plain with the model and seed of another variant"):
            draw_energy_slopes(results_of(rows), VARIANTS, baseline="plain")

    def test_without_energies_the_rule_is_named(self, results_of):
        rows = [row for row in self.rows() if row[3] != "spectra"]
        with pytest.raises(InputError, match="hold no high_frequency_energy: run the rule measure_images again"):
            draw_energy_slopes(results_of(rows), VARIANTS, baseline="plain")


class TestOverTraining:
    @pytest.fixture
    def results(self, results_of) -> pd.DataFrame:
        accuracies = {"plain": {1: (0.2, 0.5), 5: (0.5, 0.8), 30: (0.8, 0.9)}, "dct": {1: (0.1, 0.2), 30: (0.6, 0.8)}}
        return results_of(
            ("resnet_8", variant, seed, "clean", "accuracy", {"epoch": epoch, "split": "test"}, value)
            for variant, by_epoch in accuracies.items()
            for epoch, values in by_epoch.items()
            for seed, value in enumerate(values)
        )

    def test_lines_are_mean_accuracies_at_the_epochs_of_the_snapshots(self, results):
        figure = draw_over_training(results, VARIANTS)
        (axes,) = figure.axes
        epochs, means = line(axes, "plain")
        assert epochs == [1, 5, 30]
        assert means == pytest.approx([0.35, 0.65, 0.85])
        epochs, means = line(axes, "dct")
        assert epochs == [1, 30]
        assert means == pytest.approx([0.15, 0.7])
        band = axes.collections[0].get_paths()[0].vertices
        assert sorted({value for epoch, value in band if epoch == 1}) == pytest.approx([0.2, 0.5])
        assert axes.get_xlabel() == "epoch"
        assert "lowest to highest of 2 seeds" in figure.legends[0].get_title().get_text()
        check_layout(figure)

    def test_every_model_has_its_panel(self, results):
        other = results.assign(model="resnet_20", value=0.5)
        figure = draw_over_training(pd.concat([results, other], ignore_index=True), VARIANTS)
        assert len(figure.axes) == 2
        assert line(figure.axes[1], "dct")[1] == [0.5, 0.5]
        assert [axes.get_xlabel() for axes in figure.axes] == ["", "epoch"]
        check_layout(figure)

    def test_results_without_epochs_are_refused(self, results):
        with pytest.raises(InputError, match="no results over training of plain, dct, fgsm: measure"):
            draw_over_training(results.drop(columns="epoch"), VARIANTS)
        with pytest.raises(InputError, match="no results over training of other"):
            draw_over_training(results, {"other": "other"})

    @staticmethod
    def filtered(results_of, epochs, splits=("test",)) -> pd.DataFrame:
        """Accuracies that tell epoch, radius, pass and split."""
        value = {"low": 0.1, "high": 0.0, "train": 0.05, "test": 0.0}
        return results_of(
            (
                *("resnet_8", variant, seed, "frequency_filtered", "accuracy"),
                {"epoch": epoch, "pass": kind, "radius": radius, "split": split},
                value[kind] + value[split] + radius / 100 + epoch / 1000 + seed / 50,
            )
            for variant in ("plain", "dct")
            for seed in (0, 1)
            for epoch in epochs
            for kind in ("high", "low")
            for radius in (8, 4)
            for split in splits
        )

    def test_every_radius_has_its_panel_with_training_images_dashed(self, results_of):
        figure = draw_over_training(self.filtered(results_of, (1, 5), ("test", "train")), VARIANTS)
        titles = ["low pass, radius 4", "low pass, radius 8", "high pass, radius 4", "high pass, radius 8"]
        assert [axes.get_title() for axes in figure.axes] == titles
        assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "epoch", "epoch"]
        first = figure.axes[0]
        drawn = {(found.get_color(), found.is_dashed()): list(found.get_ydata()) for found in first.lines
                 if len(found.get_ydata()) == 2}  # fmt: skip
        styles = variant_styles(VARIANTS)
        for variant in ("plain", "dct"):
            colour = styles[variant].colour
            assert drawn[colour, False] == pytest.approx([0.151, 0.155])
            assert drawn[colour, True] == pytest.approx([0.201, 0.205])
        texts = [text.get_text() for text in figure.legends[0].get_texts()]
        assert texts[-2:] == ["test images", "training images"]
        check_layout(figure)

    def test_a_row_of_low_accuracies_alone_ends_at_25_percent(self, results_of):
        """On the scale of the others their curves would be one line."""
        results = self.filtered(results_of, (1, 5))
        raised = results["value"].where(results["pass"] == "high", results["value"] + 0.2)
        figure = draw_over_training(results.assign(value=raised), VARIANTS)
        assert [axes.get_ylim()[1] for axes in figure.axes] == pytest.approx([1.04, 1.04, 0.26, 0.26])
        check_layout(figure)

    def test_batches_of_the_first_epoch_have_room(self, results_of):
        figure = draw_over_training(self.filtered(results_of, (0, 0.0128, 0.128, 1, 10, 100)), VARIANTS)
        axes = figure.axes[0]
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0", "0.1", "1", "10", "100"]
        places = axes.transData.transform([(epoch, 0) for epoch in (0, 0.0128, 0.128, 1, 10, 100)])[:, 0]
        assert np.diff(places).min() > 0.05 * np.ptp(places)
        assert "training images" not in [text.get_text() for text in figure.legends[0].get_texts()]
        check_layout(figure)

    def test_few_decades_have_more_ticks(self, results_of):
        figure = draw_over_training(self.filtered(results_of, (0, 0.16, 0.48, 1, 5)), VARIANTS)
        assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["0", "0.2", "0.5", "1", "2", "5"]
        check_layout(figure)

    def test_what_suites_have_many_of_is_averaged(self, results_of):
        run = ("resnet_8", "plain", 0)
        rows = [
            (*run, "corruption", "accuracy", {"epoch": epoch, "corruption": name, "severity": severity}, value)
            for epoch in (1, 2)
            for name, severity, value in (("fog", 1, 0.2), ("fog", 2, 0.4), ("frost", 1, 0.6))
        ]
        attack = {"epoch": 1, "attack": "fgsm", "norm": "linf"}
        rows += [(*run, "adversarial", "accuracy", {**attack, "epsilon": e}, 0.5) for e in ("2/255", "8/255")]
        for name, value in (("overall", 0.3), ("cat", 0.9)):
            rows.append((*run, "cue_conflict", "shape_bias", {"epoch": 1, "category": name}, value))
        layer = {"epoch": 1, "layer": "c", "index": 0, "depth": 0}
        for h, v in np.ndindex(3, 3):
            where = {**layer, "horizontal": h, "vertical": v}
            rows.append((*run, "filters", "energy_share", where, (1 + h + v) / 27))
        figure = draw_over_training(results_of(rows), VARIANTS)
        shown = {
            axes.get_title().replace("\n", " "): list(axes.lines[0].get_ydata()) for axes in figure.axes if axes.lines
        }
        assert {title: values[0] for title, values in shown.items()} == pytest.approx(
            {
                "mean over corruptions": 0.4,
                "cue conflict": 0.3,
                "energy share of the highest frequencies": 5 / 27,
                "FGSM, L∞, ε = 2/255": 0.5,
                "FGSM, L∞, ε = 8/255": 0.5,
            }
        )
        check_layout(figure)


class TestSinusoids:
    @staticmethod
    def learned(variants, frequencies, iterations, seeds=(0, 1)) -> pd.DataFrame:
        """The amplitude is a hundredth of the iteration over the frequency, and a tenth more for each seed."""
        rows = [
            (
                "small",
                variant,
                seed,
                "normalised_amplitude",
                iteration,
                frequency,
                iteration / 100 / frequency + seed / 10,
            )
            for variant in variants
            for seed in seeds
            for iteration in iterations
            for frequency in frequencies
        ]
        columns = ["model", "variant", "seed", "metric", "iteration", "frequency", "value"]
        return pd.DataFrame(rows, columns=columns)

    def test_a_map_has_the_means_over_seeds_by_iteration_and_frequency(self):
        figure = draw_sinusoids(self.learned(["plain", "dct"], [5, 1], [100, 50, 150]), {"dct": "WD", "plain": "plain"})
        maps = panels(figure)
        assert list(maps)[:2] == ["WD", "plain"]
        (drawn,) = maps["plain"].collections
        assert np.asarray(drawn.get_array()).tolist() == [
            pytest.approx([low + 0.05, low / 5 + 0.05]) for low in (0.5, 1.0, 1.5)
        ]
        assert drawn.get_clim() == (0, 1)
        assert [text.get_text() for text in maps["plain"].get_xticklabels()] == ["1", "5"]
        assert figure.axes[-1].get_ylabel() == "normalised amplitude,\nmean of 2 seeds"
        check_layout(figure)

    def test_the_colours_are_told_apart_in_grey(self):
        figure = draw_sinusoids(self.learned(["plain"], [1, 2], [1, 2], [0]), VARIANTS)
        red, green, blue, _ = figure.axes[0].collections[0].get_cmap()(np.linspace(0, 1, 20)).T
        assert (np.diff(0.2126 * red + 0.7152 * green + 0.0722 * blue) < 0).all()
        assert figure.axes[-1].get_ylabel() == "normalised amplitude"

    @pytest.mark.parametrize(("frequencies", "iterations"), [([3], [100]), (range(5, 200, 5), range(100, 2000, 100))])
    def test_one_cell_or_many_fit(self, frequencies, iterations):
        labels = {f"v{number}": f"variant {number} with a label of some length" for number in range(5)}
        figure = draw_sinusoids(self.learned(labels, frequencies, iterations), labels)
        assert len([axes for axes in figure.axes if axes.axison]) == 5 + 1
        check_layout(figure)

    def test_variants_without_amplitudes_are_refused(self):
        with pytest.raises(InputError, match=r"^there are no amplitudes of the variants none: run the fit"):
            draw_sinusoids(self.learned(["plain"], [1], [1]), {"none": "none"})
