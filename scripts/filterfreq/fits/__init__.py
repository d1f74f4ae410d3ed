"""Networks that learn functions: no images, no data set."""
