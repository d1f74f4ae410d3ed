"""What the processes that train one run together share: batches, gradients, statistics, and when to stop."""

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from filterfreq.runtime.errors import InputError


class Processes:
    """The processes that train one run together, as one of them sees them; alone there is nothing to exchange.

    More than one need torch's process group, with gloo for tensors on the CPU.

    Args:
        rank: the number of this process, from 0.
        size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @property
    def is_first(self) -> bool:
        """Whether this is the process that speaks and writes for all."""
        return self.rank == 0

    def rows(self, count: int, adjacent: bool = False) -> Tensor:
        """Return which rows of `count` images are this process's share: int64, on the CPU.

        They are every `size`-th, so that of fewer images each process has the first ones of those it has of more.

        Args:
            count: of a batch, or of a set; where there are fewer than processes, some have none.
            adjacent: images in a row instead.
        """
        if adjacent:
            return torch.arange(self.rank * count // self.size, (self.rank + 1) * count // self.size)
        return torch.arange(min(self.rank, count), count, self.size)

    def rows_of_step(self, count: int, batch_size: int, neighbours: bool) -> tuple[Tensor, Tensor]:
        """Return which of the images drawn for a step are made here, and which of these the process trains on.

        Args:
            count: images of the step, in microbatches of `batch_size`.
            batch_size: images of a microbatch.
            neighbours: whether each image needs the one before it; then the process has images in a row of each
                microbatch, and makes one more.

        Returns:
            Rows among the `count` images, and rows among these: int64, on the CPU.
        """
        made, own = [], []
        for start in range(0, count, batch_size):
            rows = start + self.rows(min(batch_size, count - start), neighbours)
            before = (rows[:1] - 1) % count if neighbours else rows[:0]
            made += [before, rows]
            own += [torch.zeros(len(before)), torch.ones(len(rows))]
        return torch.cat(made), torch.cat(own).nonzero().flatten()

    def join(self, model: nn.Module) -> nn.Module:
        """Return a model whose gradients are the mean of those of all processes, over the same parameters."""
        # The order in which gradients arrive decides which are added up in one go, and with three processes or more
        # the last bit of the sums. torch learns it from the first step of a process, unless it looks for unused
        # parameters; where equal bits are promised, a resumed training must not differ from one that went on.
        deterministic = next(model.parameters()).device.type == "cpu" or torch.get_deterministic_debug_mode() > 0
        # The statistics of batch normalisation are equal everywhere already.
        return DistributedDataParallel(model, forward_sync_buffers=False, find_unused_parameters=deterministic)

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in at least one process."""
        if self.size == 1:
            return flag
        # On the CPU, so that no process waits for its GPU.
        flags = torch.tensor(int(flag))
        dist.all_reduce(flags)
        return bool(flags)

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum over all processes."""
        if self.size > 1:
            tensor = tensor.clone()
            dist.all_reduce(tensor)
        return tensor

    def collect(self, tensor: Tensor) -> list[Tensor]:
        """Return the tensors of all processes, in their order, which may differ in length; on the CPU.

        The first process gets them; the others get an empty list.
        """
        if self.size == 1:
            return [tensor]
        found: list = [None] * self.size if self.is_first else []
        dist.gather_object(tensor.cpu(), found if self.is_first else None)
        return found

    def agree(self, value: object) -> bool:
        """Return whether all processes have the same value."""
        if self.size == 1:
            return True
        values: list = [None] * self.size
        dist.all_gather_object(values, value)
        return all(one == value for one in values)


class _Sum(torch.autograd.Function):
    """The sum over all processes; what each contributes to it has the sum of their gradients."""

    @staticmethod
    def forward(ctx, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return _Sum.apply(gradient)


class GlobalBatchNorm(_BatchNorm):
    """Batch normalisation over the parts of a batch that all processes have, as one process normalises the whole.

    For a CPU, where torch's `SyncBatchNorm` refuses to run: the same from two sums over the processes, of the values
    and of their squared distances from the mean. A process may have no image at all.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise N x C x ..., with the statistics of all processes in training mode."""
        if not self.training:
            return super().forward(inputs)
        axes, shape = [0, *range(2, inputs.dim())], (1, -1, *[1] * (inputs.dim() - 2))
        counts = torch.tensor(inputs.numel() // inputs.shape[1])
        dist.all_reduce(counts)
        count = int(counts)
        mean = _Sum.apply(inputs.sum(axes)) / count
        centred = inputs - mean.view(shape)
        variance = _Sum.apply(centred.square().sum(axes)) / count
        if self.track_running_stats:
            self.num_batches_tracked.add_(1)
            weight = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean.detach(), weight)
            self.running_var.lerp_(variance.detach() * (count / max(count - 1, 1)), weight)
        outputs = centred * (variance + self.eps).rsqrt().view(shape)
        return outputs * self.weight.view(shape) + self.bias.view(shape) if self.affine else outputs

    def _check_input_dim(self, inputs: Tensor) -> None:
        pass


def use_global_statistics(model: nn.Module, device: torch.device) -> nn.Module:
    """Make every batch normalisation inside a model one over all processes; parameters and names are kept.

    Args:
        model: changed in place.
        device: what it runs on. On a GPU the layers become torch's `SyncBatchNorm`, or timm's form of it.

    Raises:
        InputError: a layer of batch normalisation is of another kind than torch's and, on a GPU, timm's.
    """
    kinds = {type(module).__name__ for module in model.modules() if isinstance(module, _BatchNorm)}
    has_timm_layers = device.type != "cpu" and "BatchNormAct2d" in kinds
    for kind in sorted(
        kinds - {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d"} - ({"BatchNormAct2d"} if has_timm_layers else set())
    ):
        raise InputError(
            f"several processes on a {device.type} cannot train a model with {kind}, whose statistics must be those of "
            "the whole batch: train it with one process, or take another model"
        )
    if has_timm_layers:
        from timm.layers import convert_sync_batchnorm

        return convert_sync_batchnorm(model)
    if device.type != "cpu":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, _BatchNorm):
                setattr(parent, name, _global_layer(layer))
    return model


def _global_layer(layer: _BatchNorm) -> GlobalBatchNorm:
    found = GlobalBatchNorm(layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats)
    # The very parameters and buffers.
    found._parameters, found._buffers = layer._parameters, layer._buffers
    return found.train(layer.training)
