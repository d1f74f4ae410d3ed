"""Data sets: registry, download, preparation, batches and augmentation on the device."""
