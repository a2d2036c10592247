import pytest
import torch

from mixednoise.models.output_bias import set_output_bias
from mixednoise.models.segmenters import SEGMENTERS, build_segmenter


def logits_of(network):
    network.eval()
    with torch.no_grad():
        return network(torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("name", SEGMENTERS)
def test_classes_start_as_common_as_they_are(name):
    torch.manual_seed(0)
    network = build_segmenter(name, in_channels=1, num_classes=3).network
    before = {key: value.clone() for key, value in network.state_dict().items()}
    said = logits_of(network)
    assert set_output_bias(network, [0.9, 0.08, 0.02])
    changed = [key for key, value in network.state_dict().items() if (value != before[key]).any()]
    assert len(changed) == 1
    assert changed[0].endswith("bias")
    bias = network.state_dict()[changed[0]]
    torch.testing.assert_close(bias.softmax(dim=0), torch.tensor([0.9, 0.08, 0.02]))
    assert bias.sum().abs() < 1e-5
    # It is the layer that speaks last: what the network says has moved by just that.
    moved = (bias - before[changed[0]]).view(1, 3, 1, 1).expand_as(said)
    torch.testing.assert_close(logits_of(network) - said, moved, atol=1e-4, rtol=1e-4)


def test_a_class_that_hardly_occurs_counts_as_a_hundredth():
    network = build_segmenter("residual_unet_slim", in_channels=1, num_classes=2).network
    assert set_output_bias(network, [1.0, 0.0])
    bias = dict(network.named_modules())["head.3"].bias.detach()
    assert float(bias[0] - bias[1]) == pytest.approx(4.60517, abs=1e-4)


def test_a_network_without_such_a_layer_is_left_alone():
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 1, bias=False), torch.nn.Conv2d(2, 3, 1))
    before = [value.clone() for value in network.parameters()]
    assert not set_output_bias(network, [0.5, 0.5])
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
