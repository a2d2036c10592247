from __future__ import annotations

import monai.networks.nets as nets
import pytest
import torch
from published import densenet121_shapes, efficientnet_b0_shapes, fill, resnet_shapes
from torch import Tensor

from mixednoise.errors import ConfigError
from mixednoise.models import LoadReport, Network, load_weights

SLIM = resnet_shapes("resnet18", widths=(32, 64, 128, 256))


def network(backbone: str = "resnet18_slim", size: int = 32, stem: str = "standard") -> Network:
    torch.manual_seed(0)
    return Network(backbone, num_classes=3, image_size=size, stem=stem, projection_dim=8)


def load(target: Network, tensors: dict[str, Tensor], **options: bool) -> LoadReport:
    return load_weights(target, tensors, source="file", **options)


def prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def untouched(target: Network) -> bool:
    fresh = network(target.backbone, target.image_size, target.stem).state_dict()
    return all(torch.equal(tensor, fresh[name]) for name, tensor in target.state_dict().items())


@pytest.mark.parametrize(
    ("backbone", "tensors"), [("resnet18", 122), ("resnet34", 218), ("resnet50", 320)]
)
def test_every_name_of_torchvisions_resnets_has_one_place(backbone: str, tensors: int) -> None:
    published = fill(resnet_shapes(backbone))
    assert len(published) == tensors  # torchvision's len(resnet18().state_dict())
    target = network(backbone)
    report = load(target, published, complete=True)

    body = [name for name in published if not name.startswith("fc.")]
    assert set(report.loaded) == {f"encoder.{name}" for name in body}
    assert set(report.skipped) == {"fc.weight", "fc.bias"}
    assert report.missing_encoder == ()
    own = target.state_dict()
    assert {name for name in own if name.startswith("encoder.")} == set(report.loaded)
    for name in body:
        assert torch.equal(own[f"encoder.{name}"], published[name]), name


def test_a_resnet_with_torchvisions_weights_computes_what_torchvision_computes(
    torchvision_models: object,
) -> None:
    torch.manual_seed(3)
    theirs = torchvision_models.resnet18(weights=None).train()  # type: ignore[attr-defined]
    batch = torch.rand(4, 3, 32, 32)
    theirs(batch)  # running statistics other than 0 and 1
    ours = network("resnet18").eval()
    load(ours, theirs.eval().state_dict(), complete=True)
    theirs.fc = torch.nn.Identity()
    with torch.no_grad():
        expected = theirs((batch - ours.mean) / ours.std)
        torch.testing.assert_close(ours.features(batch), expected)


def test_a_densenet_with_torchvisions_weights_computes_what_torchvision_computes(
    torchvision_models: object,
) -> None:
    theirs = torchvision_models.densenet121(weights=None).train()  # type: ignore[attr-defined]
    batch = torch.rand(4, 3, 32, 32)
    theirs(batch)
    ours = network("densenet121").eval()
    report = load(ours, theirs.eval().state_dict(), complete=True)
    theirs.classifier = torch.nn.Identity()
    assert report.missing_encoder == ()
    with torch.no_grad():
        expected = theirs((batch - ours.mean) / ours.std)
        torch.testing.assert_close(ours.features(batch), expected)


def test_densenets_published_names_go_where_monai_puts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = fill(densenet121_shapes())
    monkeypatch.setattr(
        "monai.networks.nets.densenet.load_state_dict_from_url", lambda *_a, **_k: dict(published)
    )
    reference = nets.DenseNet121(2, 3, 3, pretrained=True).features.state_dict(prefix="features.")
    target = network("densenet121")
    report = load(target, published, complete=True)

    own = target.encoder.state_dict()
    assert len(report.loaded) == len(published) - 2
    assert set(report.skipped) == {"classifier.weight", "classifier.bias"}
    assert report.missing_encoder == ()
    assert own.keys() == reference.keys()
    for name in reference:
        assert torch.equal(own[name], reference[name]), name


def test_efficientnets_published_names_go_where_monai_puts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = fill(efficientnet_b0_shapes())
    monkeypatch.setattr(
        "monai.networks.nets.efficientnet.model_zoo.load_url", lambda *_a, **_k: dict(published)
    )
    reference = nets.EfficientNetBN("efficientnet-b0", pretrained=True).state_dict()
    target = network("efficientnet_b0")
    report = load(target, published, complete=True)

    own = target.encoder.state_dict()
    assert len(report.loaded) == len(published) - 2
    assert report.missing_encoder == ()
    assert own.keys() == reference.keys() - {"_fc.weight", "_fc.bias"}
    for name in own:
        assert torch.equal(own[name], reference[name]), name


@pytest.mark.parametrize(
    "prefix",
    [
        "module.",
        "encoder.",
        "backbone.",
        "model.",
        "module.encoder.",
        "model.backbone.",
        "_orig_mod.",
    ],
)
def test_prefixes_of_trainers_are_stripped(prefix: str) -> None:
    published = fill(SLIM)
    target = network()
    report = load(target, prefixed(prefix, published))
    assert len(report.loaded) == 120
    assert torch.equal(target.encoder.layer4[1].conv2.weight, published["layer4.1.conv2.weight"])


def test_a_head_for_other_classes_is_left_out_and_said() -> None:
    target = network()
    report = load(target, fill(SLIM))
    reason = "a head for 1000 classes; this network has 3"
    assert report.skipped == {"fc.weight": reason, "fc.bias": reason}
    assert set(report.missing) == {
        "classifier.weight",
        "classifier.bias",
        "projector.0.weight",
        "projector.0.bias",
        "projector.2.weight",
        "projector.2.bias",
    }
    fresh = network().state_dict()
    assert all(torch.equal(target.state_dict()[name], fresh[name]) for name in report.missing)
    assert report.text().splitlines() == [
        "weights from file: 120 tensors loaded",
        f"  left out: fc.weight, fc.bias: {reason}",
        "  starting at random: classifier.weight, classifier.bias, projector.0.weight and 3 more",
    ]


def test_a_head_for_the_same_number_of_classes_is_taken() -> None:
    published = fill({**SLIM, "fc.weight": (3, 256), "fc.bias": (3,)})
    target = network()
    load(target, prefixed("module.", published))
    assert torch.equal(target.classifier.weight, published["fc.weight"])
    assert torch.equal(target.classifier.bias, published["fc.bias"])


@pytest.mark.parametrize("keep", [True, False])
def test_a_whole_model_is_taken_whole(keep: bool) -> None:
    torch.manual_seed(5)
    other = Network(
        "resnet18_slim",
        num_classes=3,
        image_size=32,
        stem="standard",
        projection_dim=8,
        mean=(0.1, 0.2, 0.3),
    )
    target = network()
    report = load(target, prefixed("module.", other.state_dict()), keep_normalisation=keep)
    assert report.missing == ()
    assert set(report.skipped) == ({"module.mean", "module.std"} if keep else set())
    expected = dict(other.state_dict())
    if keep:
        expected |= {"mean": network().mean, "std": network().std}
    for name, tensor in target.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def test_half_precision_is_taken_as_float32() -> None:
    published = {name: tensor.half() for name, tensor in fill(SLIM).items()}
    target = network()
    load(target, published)
    assert target.encoder.conv1.weight.dtype == torch.float32
    assert torch.equal(target.encoder.conv1.weight, published["conv1.weight"].float())


def test_the_small_stem_goes_without_a_large_first_convolution() -> None:
    target = network(stem="small")
    report = load(target, fill(SLIM), complete=True)
    assert report.missing_encoder == ("encoder.conv1.weight",)
    assert report.skipped["conv1.weight"] == (
        "a first convolution of 32x3x7x7; this stem has 32x3x3x3"
    )
    assert torch.equal(target.encoder.conv1.weight, network(stem="small").encoder.conv1.weight)


@pytest.mark.parametrize(
    "published",
    [
        fill(resnet_shapes("resnet18")),  # same names, wider
        fill({"blocks.0.weight": (4, 4)}),
        {},
    ],
)
def test_weights_of_another_backbone_are_refused(published: dict[str, Tensor]) -> None:
    target = network()
    with pytest.raises(ConfigError, match="the weights don't fit resnet18_slim") as caught:
        load(target, published)
    assert "encoder.conv1.weight" in str(caught.value)
    assert untouched(target)


def test_weights_that_lack_a_layer_are_told_apart_from_complete_ones() -> None:
    published = fill(SLIM)
    del published["layer3.0.conv1.weight"]
    assert load(network(), published).missing_encoder == ("encoder.layer3.0.conv1.weight",)
    with pytest.raises(ConfigError, match=r"encoder\.layer3\.0\.conv1\.weight"):
        load(network(), published, complete=True)


def test_weights_of_a_training_that_broke_down_are_refused() -> None:
    published = fill(SLIM)
    published["layer2.0.bn1.weight"] = torch.tensor([0.5, float("nan")]).repeat(32)
    target = network()
    with pytest.raises(ConfigError, match=r"file: layer2\.0\.bn1\.weight"):
        load(target, published)
    assert untouched(target)
