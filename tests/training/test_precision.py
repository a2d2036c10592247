"""In what networks compute, and that it gives the gradients that they have."""

import pytest
import torch

from mixednoise.errors import ConfigError
from mixednoise.methods.config import TrainingConfig
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.training import devices
from mixednoise.training.devices import choose_precision, make_fabric

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("name", "device", "volumes", "hardware", "precision"),
    [
        ("auto", CPU, False, True, "bf16-mixed"),
        ("auto", CPU, False, False, "32-true"),
        ("auto", CPU, True, True, "32-true"),
        ("auto", CUDA, True, True, "bf16-mixed"),
        ("bf16", CUDA, True, True, "bf16-mixed"),
        ("bf16", CPU, False, False, "bf16-mixed"),
        ("32", CPU, True, True, "32-true"),
    ],
)
def test_what_is_computed_in(monkeypatch, name, device, volumes, hardware, precision):
    monkeypatch.setattr(devices, "computes_in_bf16", lambda _: hardware)
    assert choose_precision(name, device, volumes=volumes) == precision


def test_volumes_in_bf16_on_a_cpu_are_refused():
    config = SegmentationConfig(spatial_dims=3, device="cpu", precision="bf16")
    with pytest.raises(ConfigError, match="bf16 on a CPU"):
        make_fabric(config)
    assert not TrainingConfig().of_volumes
    assert not SegmentationConfig().of_volumes


def test_gradients_of_small_volumes_are_right():
    torch.manual_seed(0)
    layer = torch.nn.Conv3d(16, 16, 3, padding=1)
    x, wanted = torch.randn(2, 16, 2, 8, 8), torch.randn(2, 16, 2, 8, 8)
    gradients = []
    for surroundings in (
        torch.autocast("cpu", enabled=False),
        make_fabric(SegmentationConfig(spatial_dims=3, device="cpu")).autocast(),
    ):
        layer.zero_grad()
        with surroundings:
            ((layer(x).float() - wanted) ** 2).sum().backward()
        assert layer.weight.grad is not None
        gradients.append(layer.weight.grad.clone())
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0.02, atol=2.0)
