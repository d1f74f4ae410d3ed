"""Batches of image files, decoded and augmented by processes ahead of their use."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from filterfreq.data.augmentation import augment_image, draws
from filterfreq.data.image_files import ImageFiles
from filterfreq.data.images import fit
from filterfreq.runtime.errors import InputError
from filterfreq.runtime.machine import STOP_SIGNALS


def decoded_batches(
    files: ImageFiles,
    batches: Sequence[torch.Tensor],
    device: torch.device | str,
    workers: int = 0,
    augmentation: str | None = None,
    seed: int = 0,
    epoch: int = 0,
) -> Iterator[torch.Tensor]:
    """Yield batches of image files as they are stored in arrays, in order: uint8, N x size x size x 3, on the CPU.

    Args:
        files: the images.
        batches: the indices of each batch's images, int64.
        device: where the batches go; for a GPU they come in pinned memory.
        workers: processes, each of which decodes whole batches; with none they are decoded here when they are asked
            for, by as many threads as `files` says.
        augmentation: one of `filterfreq.data.registry.AUGMENTATIONS`; images for testing have none.
        seed: of the run; what is drawn derives from (seed, epoch, index of the image) alone.
        epoch: the number of the epoch.

    Raises:
        InputError: a file is missing or no image.
    """
    decoder = _Decoder(files, augmentation, seed, epoch)
    # The names go with each batch, so that no process touches, and thereby copies, the list of them all.
    wanted = (([files.names[index] for index in batch.tolist()], batch.tolist()) for batch in batches)
    if workers:
        found = DataLoader(
            decoder,
            batch_size=None,
            sampler=wanted,
            num_workers=workers,
            pin_memory=torch.device(device).type == "cuda",
            # Its own, or it would draw from the global one, and dropout would depend on the number of workers.
            generator=torch.Generator(),
        )
    else:
        found = map(decoder.__getitem__, wanted)
    with _requests_to_stop_held():
        batches = iter(found)
    try:
        for batch in batches:
            if isinstance(batch, InputError):
                raise batch
            yield batch
    finally:
        # The last reference, which ends the processes: the signal by which they would be ended at exit is held back in
        # them, and the exit would wait for them for ever.
        del batches


@contextmanager
def _requests_to_stop_held() -> Iterator[None]:
    """Hold requests to stop back, for ever in processes that are started meanwhile.

    Clusters and terminals send them to all processes of a job. The one that has asked for the images still needs the
    others to come to the end of its batch, and ends them itself.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Decoder(Dataset):
    """Decodes one batch, given the names and indices of its images."""

    def __init__(self, files: ImageFiles, augmentation: str | None, seed: int, epoch: int) -> None:
        self.files = files[:0]
        self.augmentation = augmentation
        self.seed = seed
        self.epoch = epoch

    def __getitem__(self, wanted: tuple[list[str], list[int]]) -> torch.Tensor | InputError:
        """Return the batch, or what is wrong with it: raised, a worker would bury the sentence in a traceback."""
        names, indices = wanted
        images = np.empty((len(names), self.files.size, self.files.size, 3), dtype=np.uint8)
        in_worker = torch.utils.data.get_worker_info() is not None
        try:
            with ThreadPoolExecutor(1 if in_worker else self.files.threads) as pool:
                for row, image in enumerate(pool.map(self._image, names, indices)):
                    images[row] = image
        except InputError as error:
            return error
        return torch.from_numpy(images)

    def _image(self, name: str, index: int) -> np.ndarray:
        image, size, resize = self.files.open(name), self.files.size, self.files.resize
        if self.augmentation is None:
            return np.asarray(fit(image, size, resize))
        return np.asarray(augment_image(image, self.augmentation, draws(self.seed, self.epoch, index), size, resize))
