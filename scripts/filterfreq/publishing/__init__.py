"""Tables and figures from tidy results; imports no torch."""
