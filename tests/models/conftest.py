import warnings

import pytest

from filterfreq.models.robustbench_models import register_autoattack


@pytest.fixture(scope="session")
def zoo() -> dict:
    """RobustBench's models as its own code lists them: by data set, threat model and name."""
    register_autoattack()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        from robustbench.model_zoo.models import model_dicts

    return {
        (dataset.value, threat_model.value): models
        for dataset, of_dataset in model_dicts.items()
        for threat_model, models in of_dataset.items()
    }
