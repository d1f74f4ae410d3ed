import numpy as np

from filterfreq.frequencies.peaks import highest_peaks, nearest_points


def test_the_highest_peaks_are_above_both_neighbours():
    spectrum = np.array([9, 3, 5, 4, 4, 6, 2, 2.5, 1, 8])
    assert highest_peaks(spectrum, 2) == [2, 5]
    assert highest_peaks(spectrum, 9) == [2, 5, 7]
    assert highest_peaks(np.array([3.0, 2, 1]), 3) == highest_peaks(np.array([1.0, 3, 3, 1]), 3) == []


def test_the_nearest_points_of_a_grid():
    assert nearest_points(np.linspace(0, 0.5, 6), np.array([0, 0.11, 0.26, 0.5])) == [0, 1, 3, 5]
