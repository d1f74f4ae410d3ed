"""Architectures, DCT layers, the frequency penalty and checkpoints."""
