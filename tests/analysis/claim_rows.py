"""Claims to be tested on made results, and rows of these."""

from study_configs import ROOT

CLAIMS_SCHEMA = ROOT / "schemas" / "claims.schema.yaml"
CLEAN = {"suite": "clean", "metric": "accuracy"}
SLOPE = {
    **{"suite": "corruption", "metric": "accuracy"},
    "slope_over": {"parameter": "corruption", "suite": "spectra", "metric": "high_frequency_energy"},
}


def claim(measure, direction="higher", smallest_effect=0.01):
    return {
        "c": {
            "statement": "The treatment helps.",
            "source": "nobody",
            "measure": measure,
            "treatment": "new",
            "control": "old",
            "direction": direction,
            "smallest_effect": smallest_effect,
        }
    }


def clean(variant, seed, value, model="m"):
    return model, variant, seed, "clean", "accuracy", {"split": "test"}, value


def pairs_of(values):
    """Rows of clean accuracies, from pairs (new, old) by model and seed."""
    return [
        clean(variant, seed, value, model)
        for (model, seed), pair in values.items()
        for variant, value in zip(("new", "old"), pair, strict=True)
    ]


def energies(variant, seed, shares):
    """Rows of the suite filters: per layer the shares of the coefficients (0, 0), (2, 0), (2, 2)."""
    for index, layer in enumerate(shares):
        for (horizontal, vertical), share in zip([(0, 0), (2, 0), (2, 2)], layer, strict=True):
            where = {"layer": f"conv{index}", "index": index, "depth": index / 2}
            yield (
                *("m", variant, seed, "filters", "energy_share"),
                {**where, "horizontal": horizontal, "vertical": vertical},
                share,
            )
