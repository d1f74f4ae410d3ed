"""The usual training loop: float32, PIL images through a DataLoader with workers, one batch after the other."""

import torch
import torch.nn.functional as F
from oracles.pil_input import pil_loader

from filterfreq.models.registry import build
from filterfreq.models.surgery.decomposition import decompose


class PlainTraining:
    """Trains a network on a data set with `images(split)`, `labels(split)`, `mean`, `std` and `num_classes`."""

    def __init__(self, model, decomposition, dataset, device, batch_size, learning_rate, epochs, workers) -> None:
        torch.manual_seed(0)
        self.model = build(model, dataset.num_classes)
        if decomposition:
            decompose(self.model, decomposition)
        self.model.to(device)
        self.dataset, self.device = dataset, device
        self.loader = pil_loader(
            dataset.images("train"), dataset.labels("train"), dataset.mean, dataset.std, batch_size, workers
        )
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=learning_rate, weight_decay=0.01)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs)

    def epoch(self) -> None:
        self.model.train()
        for images, labels in self.loader:
            images, labels = images.to(self.device), labels.to(self.device)
            loss = F.cross_entropy(self.model(images), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        self.schedule.step()

    @torch.no_grad()
    def accuracy(self) -> float:
        self.model.eval()
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (self.dataset.mean, self.dataset.std))
        labels = torch.tensor(self.dataset.labels("test"))
        correct = 0
        for start in range(0, len(labels), 500):
            images = torch.tensor(self.dataset.images("test")[start : start + 500]).permute(0, 3, 1, 2) / 255
            logits = self.model(((images - mean) / std).to(self.device))
            correct += int((logits.argmax(1).cpu() == labels[start : start + 500]).sum())
        return correct / len(labels)
