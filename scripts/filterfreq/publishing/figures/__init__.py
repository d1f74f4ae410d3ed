"""The figures: one file each, which holds its caption, its label and its function."""
