"""Narrow strided 1 x 1 convolutions on a CPU.

Whether what oneDNN writes outside of its workspace does harm is luck. So the sweep does not wait for harm: it reads
from oneDNN's own log whether a training has asked for the kernel that does it, whatever the processor.
"""

import json
import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from filterfreq.models.pointwise import subsample_pointwise

ROOT = Path(__file__).parents[2]
# Many sizes and all instruction sets, which takes long, or some of them.
ALL = "POINTWISE_SWEEP" in os.environ
SIZES = (*range(16, 224, 8), 224) if ALL else (16, 64, 224)
INSTRUCTION_SETS = [
    "DEFAULT",
    "AVX2",
    *(("SSE41", "AVX", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_BF16") if ALL else ()),
]

# Trains single layers and networks. The gradients of the layers are compared with those of plain ones in double
# precision and in torch's default memory format, which oneDNN has no part in.
SWEEP = """
import copy, json, sys, tempfile, warnings
from pathlib import Path
from types import SimpleNamespace
import torch
import torch.nn.functional as F
from filterfreq.models.device import use_device
from filterfreq.evaluation.prediction import inference
from filterfreq.models.pointwise import subsample_pointwise
from filterfreq.training.attacks import fgsm
from filterfreq.training.execution import Execution
from filterfreq.training.loop import Trainer
from filterfreq.training.state import StateFile
from filterfreq.training.untrained import build_classifier

warnings.simplefilter("ignore")
device = use_device({"device": "cpu"}, 1)
layers, networks = json.loads(sys.argv[1])
furthest = 0.0
for width, size in layers:
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Conv2d(width, 2 * width, 1, stride=2))
    images = torch.rand(16, size, size, width).permute(0, 3, 1, 2)
    layer = subsample_pointwise(copy.deepcopy(plain)).to(memory_format=torch.channels_last)
    gradients = []
    for one, shown in ((layer, images), (plain.double(), images.double().contiguous())):
        shown.requires_grad_()
        one(shown).square().mean().backward()
        gradients.append([one[0].weight.grad.double(), one[0].bias.grad.double(), shown.grad.double()])
    for found, expected in zip(*gradients):
        furthest = max(furthest, float((found - expected).norm() / expected.norm()))

for model, size, batch, variant, optimizer in networks:
    labels = torch.arange(batch) % 2
    arrays = torch.randint(256, (batch, size, size, 3), dtype=torch.uint8).numpy()
    dataset = SimpleNamespace(
        images=lambda split: arrays,
        labels=lambda split: labels.numpy(),
        num_classes=2,
        classes=["first", "second"],
        mean=[0.5] * 3,
        std=[0.25] * 3,
    )
    training = {"epochs": 1, "batch_size": batch, "optimizer": optimizer, "learning_rate": 0.01, "weight_decay": 0.01}
    training |= {"schedule": "cosine", "augmentation": "none"}
    spec = {"run": {"dataset": "noise", "model": model, "variant": "any", "seed": 0}}
    spec |= {"variant": variant, "training": training}
    classifier = build_classifier(spec, dataset)
    with inference(classifier, device):
        fgsm(classifier, torch.rand(batch, size, size, 3).permute(0, 3, 1, 2), labels, 0.01)
    with tempfile.TemporaryDirectory() as folder:
        state_file = StateFile(Path(folder, "state.pt"), "")
        Trainer(classifier, spec, dataset, Execution(device), state_file, lambda line: None).train()
print("furthest", furthest)
"""

# What oneDNN's log says of a convolution: direction, layout of the images, channels, kernel, stride and padding.
CALL = re.compile(
    r"exec,cpu,convolution,[^,]*,(?P<direction>\w+),src:\w+:\w*:blocked:(?P<layout>\w+):.*,mb\d+_(?P<groups>g\d+)?"
    r"ic(?P<channels>\d+)oc\d+_ih\d+oh\d+kh(?P<kh>\d+)sh(?P<sh>\d+)dh\d+ph(?P<ph>\d+)"
    r"_iw\d+ow\d+kw(?P<kw>\d+)sw(?P<sw>\d+)dw\d+pw(?P<pw>\d+)"
)


def weight_gradients(code: str, arguments: list, instruction_set: str) -> tuple[list[re.Match], str]:
    """Run code in a process of its own; return its computations of gradients by weights of 1 x 1, and its last line."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts"), "ONEDNN_MAX_CPU_ISA": instruction_set}
    command = [sys.executable, "-c", code, json.dumps(arguments)]
    ended = subprocess.run(command, env=environment | {"ONEDNN_VERBOSE": "1"}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    calls = [match for match in map(CALL.search, ended.stdout.splitlines()) if match]
    pointwise = [call for call in calls if call["direction"] == "backward_weights" and call["kh"] == call["kw"] == "1"]
    return pointwise, ended.stdout.splitlines()[-1]


def is_faulty(call: re.Match) -> bool:
    strided = call["sh"] != "1" or call["sw"] != "1"
    return strided and call["layout"] == "acdb" and int(call["channels"]) < 16 and call["ph"] == call["pw"] == "0"


@pytest.mark.slow
@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
def test_no_training_reaches_the_faulty_kernel(instruction_set):
    layers = [(width, size) for width in range(1, 17) for size in SIZES]
    # With batches below 16 on one thread, torch computes convolutions of stride 1 without oneDNN.
    networks = [(f"resnet_8_{width}", 32, 16, {}, "sgd") for width in range(1, 17)]
    networks += [(f"resnet_8_{width}", size, 2, {}, "sgd") for width in (1, 4, 8, 15) for size in SIZES]
    signal = {"decomposition": "signal", "penalty": {"kind": "all", "strength": 0.01, "layers": "all"}}
    free = {"adversarial_training": {"attack": "free", "norm": "linf", "epsilon": "4/255", "replays": 1}}
    networks += [("resnet_8_4", 32, 4, *options) for options in (({}, "adahessian"), (signal, "adamw"), (free, "sgd"))]
    networks += [(f"resnet_8_4_{kind}", 32, 4, {}, "sgd") for kind in ("option_a", "dw", "sp")]
    # The first strided 1 x 1 convolution of these has three channels, and that of the last one 16.
    networks += [(model, 64, 2, {}, "sgd") for model in ("timm_mobileone_s0", "timm_repvgg_a0", "wideresnet_10_1")]
    calls, last = weight_gradients(SWEEP, [layers, networks], instruction_set)
    assert [call[0] for call in calls if is_faulty(call)] == []
    # The layers are there, with stride 1, of each width.
    assert {int(call["channels"]) for call in calls} >= set(range(1, 17))
    # Sums of up to 200,000 values in single precision; of the faulty kernel they are wrong altogether.
    assert float(last.removeprefix("furthest ")) < 1e-2


@pytest.mark.slow
def test_the_log_shows_the_faulty_kernel():
    """Without AVX2 oneDNN has another kernel for it, which does no harm."""
    code = """
import torch
images = torch.rand(2, 8, 8, 4).permute(0, 3, 1, 2)
torch.nn.Conv2d(4, 8, 1, stride=2).to(memory_format=torch.channels_last)(images).sum().backward()
"""
    calls, _ = weight_gradients(code, [], "SSE41")
    assert [is_faulty(call) for call in calls] == [True]


class Standardised(nn.Conv2d):
    """A convolution that computes its weights, as weight standardisation does."""

    def forward(self, images):
        return F.conv2d(images, self.weight - self.weight.mean(), self.bias, self.stride, self.padding)


@pytest.mark.parametrize("kind", [nn.Conv2d, Standardised])
@pytest.mark.parametrize(
    "options", [{"stride": 2}, {"stride": (1, 3)}, {"stride": (4, 2), "padding": "valid"}], ids=str
)
@pytest.mark.parametrize("size", [(8, 8), (9, 7), (1, 1)], ids=str)
def test_subsampled_layers_are_the_same_map(kind, options, size):
    torch.manual_seed(0)
    plain = nn.Sequential(kind(3, 5, 1, **options)).double()
    found = subsample_pointwise(subsample_pointwise(deepcopy(plain)))
    assert found[0].stride == (1, 1)
    assert found.state_dict().keys() == plain.state_dict().keys()
    images = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    values = []
    for layer in (plain, deepcopy(found)):
        outputs = layer(images)
        gradients = torch.autograd.grad(outputs.sin().sum(), [images, *layer.parameters()], create_graph=True)
        second = torch.autograd.grad(sum(one.square().sum() for one in gradients), list(layer.parameters()))
        values.append([outputs, *gradients, *second])
    torch.testing.assert_close(values[1], values[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(16, 16, 1, stride=2),
        nn.Conv2d(8, 8, 1),
        nn.Conv2d(8, 8, 3, stride=2),
        nn.Conv2d(8, 8, (1, 3), stride=2),
        nn.Conv2d(8, 8, 1, stride=2, padding=1),
        nn.Conv2d(8, 8, 1, stride=2, groups=8),
    ],
    ids=str,
)
def test_other_layers_are_left_alone(layer):
    stride = layer.stride
    subsample_pointwise(layer)
    assert layer.stride == stride
    assert not layer._forward_pre_hooks
