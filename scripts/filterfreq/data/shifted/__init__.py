"""Test images from another distribution than a model's own: their registry, preparation, and how they are read."""
