import copy

import pytest
import torch
from torch import nn

from filterfreq.models.classifier import Classifier
from filterfreq.models.registry import build
from filterfreq.models.surgery.dropout import add_dropout
from filterfreq.runtime.errors import InputError

IMAGES = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def dropping(backbone, probability=0.5):
    return add_dropout(Classifier(backbone, [0.5] * 3, [0.25] * 3), probability).backbone


@pytest.mark.parametrize(("name", "layers"), [("alexnet", 3), ("lenet", 3), ("vgg_11", 1), ("hfc_resnet_8", 1)])
def test_each_linear_layer_takes_what_is_left(name, layers):
    torch.manual_seed(0)
    plain = build(name, 10)
    changed = dropping(copy.deepcopy(plain), 0.25)
    assert [module.p for module in changed.modules() if isinstance(module, nn.Dropout)] == [0.25] * layers
    assert torch.equal(changed.eval()(IMAGES), plain.eval()(IMAGES))

    torch.manual_seed(1)
    dropped = changed.train()(IMAGES)
    torch.manual_seed(1)
    for module in plain.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(lambda _layer, inputs: nn.functional.dropout(inputs[0], 0.25))
    assert torch.equal(dropped, plain.train()(IMAGES))


def test_values_are_left_out_with_the_probability_and_the_others_make_up_for_it():
    layer = nn.Linear(100_000, 2, bias=False)
    seen = []
    model = dropping(nn.Sequential(layer), 0.25).train()
    layer.register_forward_pre_hook(lambda _layer, inputs: seen.append(inputs[0]))
    torch.manual_seed(0)
    model(torch.ones(1, 100_000))
    values, counts = seen[0].unique(return_counts=True)
    assert values.tolist() == pytest.approx([0, 1 / 0.75])
    assert counts[0] / 100_000 == pytest.approx(0.25, abs=0.01)


def test_a_model_without_a_linear_layer_is_refused():
    with pytest.raises(InputError, match="dropout: the model has no linear layer to put it before"):
        dropping(nn.Conv2d(3, 4, 3))
