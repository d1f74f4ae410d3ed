"""The training loop, optimizers and schedules, attacks for adversarial training, resume."""
