"""Generative adversarial networks: a generator and a discriminator that are trained against each other."""
