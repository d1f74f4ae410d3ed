"""The tables: one file each, which holds its caption, its label and its function."""
