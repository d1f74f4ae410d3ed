"""Spectra and statistics of learned filters."""
