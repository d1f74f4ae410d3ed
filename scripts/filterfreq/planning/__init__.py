"""What a study will cost before it is run, and how far it is. Only the calibration imports torch."""
