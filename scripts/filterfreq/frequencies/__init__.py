"""Frequencies: the masks, bases and transforms that the other parts share."""
