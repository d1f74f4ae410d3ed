"""Accuracy, adversarial attacks, common corruptions and cue conflict, as tidy results."""
