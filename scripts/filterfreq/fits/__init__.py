"""Networks that learn functions, those on the images of a data set among them."""
