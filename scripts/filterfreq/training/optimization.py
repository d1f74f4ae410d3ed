"""Optimizers and learning-rate schedules by their names in the config."""

import math

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adadelta, Adagrad, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler, MultiStepLR, StepLR


def make_optimizer(model: nn.Module, settings: dict) -> Optimizer:
    """Return the optimizer over all parameters of `model`.

    The choices are those of the released code of Lukasik et al. 2023, and `adadelta`: `sgd` has Nesterov momentum 0.9;
    `adam` (Kingma & Ba 2015), `adagrad` (Duchi et al. 2011), `rmsprop` (Hinton 2012) and `adadelta` (Zeiler 2012) are
    torch's with its defaults, and like `sgd` add the weight decay to the gradient; `adamw` decouples it (Loshchilov &
    Hutter 2019). Where torch can update all parameters in one fused pass it does, on a CPU eight times faster than one
    operation after the other.

    `adahessian` (Yao et al., ADAHESSIAN, AAAI 2021) is timm's: one Hutchinson draw for each step, its estimate of the
    diagonal averaged over the last two axes of a convolution's weights (section 3.2), decay decoupled as in `adamw`. Of
    a layer in the DCT basis these axes are frequencies. It reads gradients that can be differentiated again (see
    `backward`), and its draws have to be seeded (see `seed_draws`).

    Args:
        model: what is trained.
        settings: `optimizer`, `learning_rate` and `weight_decay` of a run's training settings.
    """
    parameters = model.parameters()
    rate, decay = settings["learning_rate"], settings["weight_decay"]
    match settings["optimizer"]:
        case "sgd":
            return SGD(parameters, lr=rate, weight_decay=decay, momentum=0.9, nesterov=True, fused=True)
        case "adam":
            return Adam(parameters, lr=rate, weight_decay=decay, fused=True)
        case "adagrad":
            return Adagrad(parameters, lr=rate, weight_decay=decay)
        case "rmsprop":
            return RMSprop(parameters, lr=rate, weight_decay=decay)
        case "adadelta":
            return Adadelta(parameters, lr=rate, weight_decay=decay)
        case "adamw":
            return AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
        case "adahessian":
            # timm brings torchvision along, whose import takes seconds: only a job that needs it pays.
            from timm.optim import Adahessian

            return Adahessian(parameters, lr=rate, weight_decay=decay, avg_conv_kernel=True)
        case other:
            raise ValueError(f"unknown optimizer {other!r}")


def is_second_order(optimizer: Optimizer) -> bool:
    """Return whether the optimizer differentiates the gradients once more."""
    return getattr(optimizer, "is_second_order", False)


def seed_draws(optimizer: Optimizer, seed: int) -> None:
    """Seed what a second-order optimizer draws in its steps; for the others there is nothing to do.

    Called before every step it makes a resumed training draw what an uninterrupted one does.
    """
    if is_second_order(optimizer):
        # Drawn on the device of the parameters, or timm would put a generator of its own there.
        device = optimizer.param_groups[0]["params"][0].device
        optimizer.generator = torch.Generator(device).manual_seed(seed)


def backward(loss: Tensor, optimizer: Optimizer) -> None:
    """Add the gradients of `loss`, a scalar, to those of the parameters, in the form that the optimizer's step needs.

    For a second-order optimizer they replace what was there, and keep their graph until they are set to None; and each
    step begins as the first one does, so that equal states take equal steps.
    """
    if not is_second_order(optimizer):
        loss.backward()
        return
    parameters = [
        parameter for group in optimizer.param_groups for parameter in group["params"] if parameter.requires_grad
    ]
    gradients = torch.autograd.grad(loss, parameters, create_graph=True)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
        # timm would add the next estimate of the Hessian to the last one, set to zero. So it had that one's memory
        # format, and from it the order of a sum over the kernel, which a training that is resumed cannot know.
        parameter.hess = 0.0


def make_schedule(optimizer: Optimizer, settings: dict) -> LRScheduler:
    """Return the schedule, which is stepped once after each epoch.

    With t epochs finished of E, the learning rate is multiplied by

    - `step`: f^(t // n), n = `step_epochs` (30) and f = `step_factor` (0.1);
    - `step_wide`: 0.2^(t // 60);
    - `frankle_step`: 1, from t = 80 on 0.1, from t = 120 on 0.01;
    - `cosine`: (1 + cos(pi t / E)) / 2 (Loshchilov & Hutter 2017, without restarts);
    - `warmup_cosine`: (t + 1) / W in the first W = 3 E // 10 epochs, then (1 + cos(pi (t - W) / (E - W))) / 2.

    The names and their numbers are those of the released code of Lukasik et al. 2023; where its warm-up starts was not
    known when this was written.

    Args:
        optimizer: the optimizer whose rate is scheduled.
        settings: `schedule` and `epochs`, and for `step` the two values above, of a run's training settings.
    """
    epochs = settings["epochs"]
    match settings["schedule"]:
        case "step":
            return StepLR(optimizer, settings.get("step_epochs", 30), settings.get("step_factor", 0.1))
        case "step_wide":
            return StepLR(optimizer, 60, 0.2)
        case "frankle_step":
            return MultiStepLR(optimizer, [80, 120], 0.1)
        case "cosine":
            return CosineAnnealingLR(optimizer, T_max=epochs)
        case "warmup_cosine":
            warmup = 3 * epochs // 10

            def factor(finished: int) -> float:
                if finished < warmup:
                    return (finished + 1) / warmup
                return (1 + math.cos(math.pi * (finished - warmup) / (epochs - warmup))) / 2

            return LambdaLR(optimizer, factor)
        case other:
            raise ValueError(f"unknown schedule {other!r}")
