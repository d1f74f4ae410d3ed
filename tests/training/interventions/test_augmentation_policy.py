import pytest
import torch
from torchvision.transforms import v2

from filterfreq.data.batches import Share
from filterfreq.runtime.errors import InputError
from filterfreq.training.interventions.augmentation_policy import POLICIES, apply_policy


def some_images(n, height, width):
    """Stored images without a black pixel."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(1, 256, (n, height, width, 3), dtype=torch.uint8, generator=generator)


def test_autoaugment_is_torchvisions_image_by_image():
    images = some_images(6, 8, 8)
    images[3:] = images[:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        transform = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)
        expected = [transform(image.permute(2, 0, 1)).permute(1, 2, 0) for image in images]
    assert torch.equal(apply_policy(images, "autoaugment", 5), torch.stack(expected))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_draws_for_each_image_and_leaves_the_global_generator_alone(policy):
    images = some_images(6, 8, 8)
    images[3:] = images[:3]
    before = torch.get_rng_state()
    augmented = apply_policy(images, policy, 5)
    assert torch.equal(torch.get_rng_state(), before)
    assert augmented.dtype == torch.uint8
    assert augmented.shape == images.shape
    assert not torch.equal(augmented[:3], augmented[3:])
    assert torch.equal(apply_policy(images, policy, 5), augmented)
    assert not torch.equal(apply_policy(images, policy, 6), augmented)
    rows = torch.tensor([1, 4])
    assert torch.equal(apply_policy(images[rows], policy, 5, Share(rows, 6)), augmented[rows])


def test_an_unknown_policy_is_refused():
    with pytest.raises(InputError, match="unknown augmentation policy 'augmixx': did you mean 'augmix'"):
        apply_policy(some_images(1, 8, 8), "augmixx", 0)
