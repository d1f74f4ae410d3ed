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


@pytest.mark.parametrize(
    ("policy", "published"),
    [("autoaugment", v2.AutoAugmentPolicy.CIFAR10), ("autoaugment-imagenet", v2.AutoAugmentPolicy.IMAGENET)],
)
def test_autoaugment_is_torchvisions_image_by_image(policy, published):
    images = some_images(6, 8, 8)
    images[3:] = images[:3]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        transform = v2.AutoAugment(published)
        expected = [transform(image.permute(2, 0, 1)).permute(1, 2, 0) for image in images]
    assert torch.equal(apply_policy(images, policy, 5), torch.stack(expected))


@pytest.mark.parametrize(("policy", "left_out"), [("autoaugment", 6), ("autoaugment-imagenet", 2)])
def test_a_policy_without_brightness_and_contrast_never_applies_them(policy, left_out, monkeypatch):
    """Of the 25 sub-policies in the appendix of Cubuk et al. 2019, 6 hold one of them for CIFAR-10, 2 for ImageNet."""
    applied, sizes = set(), set()
    original = v2.AutoAugment._apply_image_or_video_transform

    def note(transform, image, name, *arguments, **options):
        applied.add(name)
        sizes.add(len(transform._policies))
        return original(transform, image, name, *arguments, **options)

    monkeypatch.setattr(v2.AutoAugment, "_apply_image_or_video_transform", note)
    images = some_images(400, 8, 8)
    apply_policy(images, policy, 0)
    assert "Contrast" in applied
    assert sizes == {25}
    applied.clear()
    sizes.clear()
    apply_policy(images, f"{policy}-without-brightness-contrast", 0)
    assert not {"Contrast", "Brightness"} & applied
    assert {"Equalize", "AutoContrast", "Color", "Solarize", "Sharpness"} <= applied
    assert sizes == {25 - left_out}


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
