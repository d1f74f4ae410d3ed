"""What the suite `filter_quality` measures, with plain numpy: rows of layers, without the package."""

from pathlib import Path

import numpy as np
import torch
from scipy.fft import dctn
from scipy.stats import entropy

SHARED = Path(__file__).parents[3] / "shared"
GOLDEN = SHARED / "golden" / "filter_lens.json"
CHECKPOINT = SHARED / "data" / "checkpoints" / "resnet20-12fca82f.th"
RUN = {"dataset": "cifar10", "model": "net", "variant": "plain", "seed": 0}


def checkpoint_weights() -> list[np.ndarray]:
    """The weights of the 3x3 convolutions of the golden checkpoint, float64, in order."""
    state = torch.load(CHECKPOINT, weights_only=True, map_location="cpu")
    state = state.get("state_dict", state)
    return [tensor.double().numpy() for tensor in state.values() if tensor.ndim == 4 and tensor.shape[2:] == (3, 3)]


def scaled_filters(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The filters of a layer divided by their peaks, n x 9, and which of them are clean."""
    filters = weight.reshape(-1, 9)
    peaks = np.abs(filters).max(axis=1)
    return filters / np.where(peaks == 0, 1, peaks)[:, None], peaks > peaks.max() / 100


def rows_of_layer(weight: np.ndarray, index: int, count: int, run: dict = RUN) -> list[dict]:
    """What the suite measures of one layer."""
    scaled, clean = scaled_filters(weight)
    clean_filters = scaled[clean]
    outputs = weight.reshape(len(weight), -1)
    outputs = outputs / np.linalg.norm(outputs, axis=1, keepdims=True)
    off_diagonal = np.abs(outputs @ outputs.T).sum() - len(outputs)
    depth = {"batch_norm": "separate", "layer": f"conv{index}", "index": index}
    depth |= {"conv_depth": index, "conv_depth_norm": index / (count - 1)}
    spread = np.linalg.svd(clean_filters - clean_filters.mean(axis=0), compute_uv=False) ** 2
    single = {
        "num_filters": len(scaled),
        "num_sparse": int((~clean).sum()),
        "num_clean": int(clean.sum()),
        "in_channels": weight.shape[1],
        "out_channels": weight.shape[0],
        "root_mean_square": float(np.sqrt((weight**2).mean())),
        "sparsity": (~clean).mean(),
        "variance_entropy": entropy(spread, base=10),
        "orthogonality": 1 - off_diagonal / (len(outputs) * (len(outputs) - 1)),
    }
    rows = [{**run, **depth, "metric": name, "value": float(value)} for name, value in single.items()]
    energies = (dctn(weight, axes=(2, 3), norm="ortho") ** 2).sum(axis=(0, 1))
    rows += [
        {**run, **depth, "metric": "dct_share_raw", "vertical": u, "horizontal": v, "value": energy / energies.sum()}
        for (u, v), energy in np.ndenumerate(energies)
    ]
    total, second = clean_filters.sum(axis=0), clean_filters.T @ clean_filters
    rows += [{**run, **depth, "metric": "filter_sum", "i": i, "value": total[i]} for i in range(9)]
    rows += [
        {**run, **depth, "metric": "filter_second_moment", "i": i, "j": j, "value": second[i, j]}
        for i in range(9)
        for j in range(i, 9)
    ]
    return rows
