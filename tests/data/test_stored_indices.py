import numpy as np
import pytest

from filterfreq.data.stored_indices import load_indices, save_indices
from filterfreq.runtime.errors import InputError


def test_indices_come_back_and_what_is_no_file_of_these_images_is_refused(tmp_path):
    indices = np.array([2, 3, 299])
    record = {"trained_on": save_indices(tmp_path, "trained_on", indices)}
    assert np.array_equal(load_indices(tmp_path, record, "trained_on", 300), indices)
    assert load_indices(tmp_path, record, "validated_with", 300) is None
    with pytest.raises(InputError, match=r"trained_images\.npy has indices that the 299 training images"):
        load_indices(tmp_path, record, "trained_on", 299)
    path = tmp_path / "trained_images.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(InputError, match=r"trained_images\.npy is damaged .*its SHA-256 is not the one in run\.json"):
        load_indices(tmp_path, record, "trained_on", 300)
    path.unlink()
    with pytest.raises(InputError, match=r"trained_images\.npy is missing"):
        load_indices(tmp_path, record, "trained_on", 300)
