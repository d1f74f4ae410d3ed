"""Architectures, checkpoints, and changes of models: DCT layers, and what is made from a trained model."""
