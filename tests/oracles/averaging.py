"""Post-averaging as the released code has it: image by image, all points of one image in memory."""

import torch
from torch import Tensor, nn


def post_average(network: nn.Module, images: Tensor, directions: Tensor, lengths: list[float]) -> Tensor:
    """The mean softmax of each image, N x classes.

    `network` takes images as they are; `directions` are N x K x C x H x W, and each is gone along in both senses.
    """
    means = []
    for image, of_image in zip(images, directions, strict=True):
        points = [image[None], *(image + sign * length * of_image for length in lengths for sign in (1, -1))]
        means.append(network(torch.cat(points)).softmax(dim=1).mean(dim=0))
    return torch.stack(means)
