from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from mixednoise.models.normalisation import Normalisation, Normaliser
from mixednoise.segmentation.inference import ArrayImages, Predictor, resized_probabilities

AS_IT_IS = Normalisation.dataset(0.0, 1.0)
FABRIC = SimpleNamespace(device=torch.device("cpu"), autocast=nullcontext)


class Threshold(nn.Module):
    """Says foreground where a pixel is bright: knows nothing of its neighbours."""

    def forward(self, images):
        assert all(side % 8 == 0 for side in images.shape[2:])
        return torch.cat([-images[:, :1], images[:, :1]], dim=1)


class Blur(nn.Module):
    """Looks at neighbours, so that windows differ at their borders."""

    def __init__(self):
        super().__init__()
        self.blur = nn.AvgPool2d(9, stride=1, padding=4)

    def forward(self, images):
        seen = self.blur(images[:, :1])
        return torch.cat([-seen, seen], dim=1)


class Fake(nn.Module):
    """A segmenter around one of these."""

    divisor = 8

    def __init__(self, network, normalisation=AS_IT_IS, spatial_dims=2):
        super().__init__()
        self.network, self.spatial_dims = network, spatial_dims
        self.normaliser = Normaliser(normalisation, 1)


def expected(image):
    return 1 / (1 + np.exp(-2 * image[0].astype(np.float64)))


def predictor(network=None, window=(64, 64), **options):
    return Predictor(FABRIC, Fake(network or Threshold()), window=window, **options)


def test_images_of_any_size_come_back_in_order_with_their_own_size():
    rng = np.random.default_rng(0)
    sizes = [(20, 31), (20, 31), (64, 64), (9, 8), (130, 70), (20, 31)]
    arrays = [rng.normal(size=(1, *size)).astype(np.float32) for size in sizes]
    found = list(predictor(batch_size=2).predict(ArrayImages(arrays), [0, 1, 2, 3, 4, 5, 0]))
    assert [index for index, _ in found] == [0, 1, 2, 3, 4, 5, 0]
    for index, probabilities in found:
        assert probabilities.shape == (2, *sizes[index])
        np.testing.assert_allclose(probabilities[1], expected(arrays[index]), atol=1e-5)
        np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-5)


@pytest.mark.parametrize("padding", ["edge", "zeros"])
@pytest.mark.parametrize("sides", [(20, 31), (16, 64), (16, 90)])
def test_what_lacks_of_a_window_is_padded_as_in_training(padding, sides):
    """A network must not meet the border of an image in its own zero padding."""
    rng = np.random.default_rng(5)
    image = rng.normal(3.0, 2.0, size=(1, *sides)).astype(np.float32)
    found = Predictor(
        FABRIC, Fake(Blur(), Normalisation.image()), window=(64, 64), padding=padding
    ).predict(ArrayImages([image]), [0])
    around = [
        (max(64 - side, 0) // 2, max(64 - side, 0) - max(64 - side, 0) // 2) for side in sides
    ]
    mode = "edge" if padding == "edge" else "constant"
    wide = (np.pad(image[0], around, mode=mode) - image.mean()) / image.std()
    with torch.no_grad():
        seen = Blur()(torch.from_numpy(wide)[None, None].float())[0, 1].numpy()
    seen = seen[around[0][0] :, around[1][0] :][: sides[0], : sides[1]]
    ((_, probabilities),) = found
    inside = slice(None) if sides[1] <= 64 else slice(0, 40)  # beyond it windows overlap
    np.testing.assert_allclose(
        probabilities[1][:, inside], (1 / (1 + np.exp(-2 * seen)))[:, inside], atol=1e-3
    )


def test_a_sliding_window_says_what_the_whole_image_says_away_from_the_seams():
    rng = np.random.default_rng(1)
    image = rng.normal(size=(1, 200, 160)).astype(np.float32)
    ((_, whole),) = predictor(Blur(), window=(200, 160)).predict(ArrayImages([image]), [0])
    ((_, slid),) = predictor(Blur(), window=(64, 64)).predict(ArrayImages([image]), [0])
    inside = (slice(None), slice(8, -8), slice(8, -8))
    assert np.abs(whole - slid)[inside].max() < 0.05
    assert np.abs(whole - slid)[inside].mean() < 0.004


def test_a_volume_goes_slice_by_slice_through_a_flat_network():
    rng = np.random.default_rng(2)
    volume = rng.normal(size=(1, 5, 24, 17)).astype(np.float32)
    ((_, found),) = predictor(batch_size=2).predict(ArrayImages([volume]), [0])
    assert found.shape == (2, 5, 24, 17)
    np.testing.assert_allclose(found[1], expected(volume), atol=1e-5)


def test_a_volume_through_a_network_of_three_dimensions():
    rng = np.random.default_rng(3)
    volume = rng.normal(size=(1, 9, 12, 10)).astype(np.float32)
    three = Predictor(FABRIC, Fake(Threshold(), spatial_dims=3), window=(16, 16, 16))
    ((_, found),) = three.predict(ArrayImages([volume]), [0])
    np.testing.assert_allclose(found[1], expected(volume), atol=1e-5)


def test_the_network_is_left_as_it_was():
    segmenter = Fake(Threshold()).train()
    image = np.zeros((1, 8, 8), dtype=np.uint8)
    list(Predictor(FABRIC, segmenter, window=(8, 8)).predict(ArrayImages([image]), [0]))
    assert segmenter.training


@pytest.mark.parametrize("shape", [(40, 200), (4, 30, 100)], ids=["windows", "slices"])
def test_windows_and_slices_are_normalised_as_parts_of_their_image(shape):
    rng = np.random.default_rng(5)
    image = rng.normal(50, 10, (1, *shape)).astype(np.float32)
    image[..., 60:] += 100  # the right half of the image is brighter, or the later slices are
    image[:, shape[0] // 2 :] += 200
    segmenter = Fake(Threshold(), Normalisation.image())
    ((_, found),) = Predictor(FABRIC, segmenter, window=(32, 32)).predict(ArrayImages([image]), [0])
    z_scores = (image - image.mean()) / image.std()
    np.testing.assert_allclose(found[1], expected(z_scores), atol=1e-4)


@pytest.mark.parametrize("shape", [(40, 30), (6, 40, 30)])
def test_resized_probabilities_still_sum_to_one(shape):
    rng = np.random.default_rng(4)
    small = rng.dirichlet([1, 1, 1], size=tuple(s // 2 for s in shape)).astype(np.float32)
    small = np.moveaxis(small, -1, 0)
    large = resized_probabilities(small, shape)
    assert large.shape == (3, *shape)
    np.testing.assert_allclose(large.sum(0), 1, atol=1e-5)
    # Constant in, constant out.
    flat = np.full_like(small, 1 / 3)
    np.testing.assert_allclose(resized_probabilities(flat, shape), 1 / 3, atol=1e-6)
