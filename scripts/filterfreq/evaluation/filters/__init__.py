"""The 3 x 3 filters of trained models: where they lie in a network, and what can be said of them."""
