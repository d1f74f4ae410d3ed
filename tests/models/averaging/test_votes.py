import pytest
import torch

from filterfreq.models.averaging.votes import add_up

LOGITS = 3 * torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
COUNTS = torch.tensor([[1.0, 1, 1, 1, 1], [1, 0, 1, 0, 1]])


def points(image):
    return LOGITS[image, COUNTS[image] > 0]


def expected(vote, image):
    """As the released code has it, of all points that count at once."""
    logits = points(image)
    share = (logits == logits.max(dim=1, keepdim=True)[0]).float().mean(dim=0)
    match vote:
        case "softmax":
            return logits.softmax(dim=1).mean(dim=0).log()
        case "logit":
            return logits.mean(dim=0)
        case "majority":
            # Laplace's rule: a vote more for each of the four classes.
            return ((share * len(logits) + 1) / (len(logits) + 4)).log()
    return logits.mean(dim=0) * share


@pytest.mark.parametrize("vote", ["softmax", "logit", "majority", "weighted"])
def test_votes_over_points_that_come_in_parts(vote):
    sums = add_up(LOGITS[:, :2], COUNTS[:, :2]) + add_up(LOGITS[:, 2:], COUNTS[:, 2:])
    for image in (0, 1):
        torch.testing.assert_close(sums.vote(vote)[image], expected(vote, image))
    assert sums.count.flatten().tolist() == [5, 3]


def test_the_entropy_is_that_of_the_mean_softmax():
    mean = points(1).softmax(dim=1).mean(dim=0)
    torch.testing.assert_close(add_up(LOGITS, COUNTS).entropy()[1, 0], -(mean * mean.log()).sum())


def test_a_sure_answer_has_finite_logits_and_gradients():
    """A probability of exp(-500) is 0 in float32."""
    logits = torch.tensor([[[500.0, 0, 0], [500, 0, 0]]], requires_grad=True)
    found = add_up(logits, torch.tensor([[1.0, 0.0]])).vote("softmax")
    found[0, 1].backward()
    torch.testing.assert_close(found.detach(), torch.tensor([[0.0, -500, -500]]))
    torch.testing.assert_close(logits.grad, torch.tensor([[[-1.0, 1, 0], [0, 0, 0]]]))
