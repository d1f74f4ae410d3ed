"""Changes of a model's layers: the DCT decomposition, and what makes one model of another without training."""
