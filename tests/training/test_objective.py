import torch
import torch.nn.functional as F

from filterfreq.training.intervention import Intervention
from filterfreq.training.objective import Objective, count_correct


def test_losses_and_penalties_of_several_interventions_are_added_up():
    logits, targets = torch.tensor([[[2.0, 1, 0], [0, 1, 0]]]), torch.tensor([0, 2])
    objective = Objective(
        [
            Intervention(change_cross_entropy=lambda loss: lambda logits, targets: 2 * loss(logits, targets)),
            Intervention(added_loss=lambda logits, targets: torch.tensor(3.0), penalty=lambda model: torch.tensor(0.5)),
            Intervention(
                added_loss=lambda logits, targets: torch.tensor(4.0), penalty=lambda model: torch.tensor(0.25)
            ),
        ]
    )
    assert objective.loss(logits, targets) == 2 * F.cross_entropy(logits[0], targets) + 7
    assert objective.penalty(torch.nn.Identity()) == 0.75
    assert Objective([]).penalty(torch.nn.Identity()) is None


def test_correct_predictions_count_by_their_probability():
    logits = torch.tensor([[2.0, 1, 0], [0, 1, 0], [0, 0, 1]])
    assert count_correct(logits, torch.tensor([0, 2, 2])) == 2
    targets = torch.tensor([[0.75, 0.25, 0], [0.5, 0.5, 0], [1, 0, 0]])
    assert count_correct(logits, targets) == 1.25
