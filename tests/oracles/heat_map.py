"""A Fourier heat map by a plain loop over every basis vector, as in the released code of Yin et al., NeurIPS 2019."""

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset


def heat_map(model, images: np.ndarray, labels: np.ndarray, signs: np.ndarray, norm: float, batch_size: int, device):
    """The error at every entry of the shifted spectrum, H x W; `signs` are N x C, changed images are clipped."""
    height, width = images.shape[1:3]
    shown = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    dataset = TensorDataset(shown, torch.from_numpy(labels), torch.from_numpy(signs))
    errors = np.zeros((height, width))
    seen = np.zeros((height, width), dtype=bool)
    for row in range(height):
        for column in range(width):
            spectrum = np.zeros((height, width), dtype=complex)
            mirror = -(row - height // 2) % height, -(column - width // 2) % width
            mirror = (mirror[0] + height // 2) % height, (mirror[1] + width // 2) % width
            first = not seen[mirror]
            spectrum[row, column] = 0.5 + 0.5j if first else 0.5 - 0.5j
            spectrum[mirror] = 0.5 - 0.5j if first else 0.5 + 0.5j
            if mirror == (row, column):
                spectrum[row, column] = 1
            seen[row, column] = True
            basis = np.fft.ifft2(np.fft.ifftshift(spectrum)).real * np.sqrt(height * width)
            change = torch.from_numpy(norm * basis).float().to(device)
            wrong = 0
            with torch.no_grad():
                for batch, truth, sign in DataLoader(dataset, batch_size=batch_size):
                    changed = batch.to(device) + sign.to(device)[:, :, None, None] * change
                    wrong += int((model(changed.clamp(0, 1)).argmax(1) != truth.to(device)).sum())
            errors[row, column] = wrong / len(labels)
    return errors
