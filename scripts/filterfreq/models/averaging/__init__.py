"""Classifiers that answer with an average over points around the image: post-averaging and randomised smoothing."""
