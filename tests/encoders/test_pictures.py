"""The encoder of pictures: the contract, its weights, and what it refuses."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kdsl.encoders.pictures import EfficientNetLite2
from kdsl.encoders.registry import picture_encoder
from kdsl.encoders.torch_file import read_state
from kdsl.errors import ConfigError, InputError, MissingDependency


def _noise(seed: int, size: tuple[int, int] = (90, 60)) -> Image.Image:
    width, height = size
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def test_vectors_have_length_one_and_depend_on_their_picture_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = picture_encoder(EfficientNetLite2.name)
    pictures = [_noise(0), _noise(1, (40, 300)), Image.new("L", (5, 5), 128)]
    vectors = encoder.encode(pictures)
    assert vectors.shape == (3, encoder.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path))  # nothing is there yet
    np.testing.assert_allclose(encoder.encode(pictures[1:2])[0], vectors[1], atol=1e-4)
    monkeypatch.setattr(encoder, "_vectors", lambda items: pytest.fail(f"computed again: {items}"))
    np.testing.assert_allclose(encoder.encode(pictures[1:2])[0], vectors[1], atol=1e-4)


def test_weights_and_network_are_those_of_pytorch() -> None:
    """Torch's own reader, and torch's convolutions over the same picture, agree with what kdsl built."""
    torch = pytest.importorskip("torch")
    encoder = EfficientNetLite2()
    file = encoder._folder / next(iter(encoder.pinned))
    ours, theirs = read_state(file), torch.load(file, weights_only=True)
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        np.testing.assert_array_equal(ours[name], tensor.numpy())
    picture = _noise(2)
    features = torch.from_numpy(encoder._pixels(picture))
    with torch.no_grad():
        pooled = _forward(torch, theirs, features).mean(dim=(2, 3))[0].numpy()
    np.testing.assert_allclose(encoder.encode([picture])[0], pooled / np.linalg.norm(pooled), atol=1e-3)


def test_other_names_and_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no encoder of pictures"):
        picture_encoder("resnet")
    monkeypatch.setattr(EfficientNetLite2, "pinned", {"models/efficientnet-lite2-9656183e.pth": "0" * 64})
    with pytest.raises(MissingDependency, match="not the file that kdsl was tested with"):
        EfficientNetLite2()


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(pickle.dumps(print))
    with pytest.raises(InputError, match="is not part of a state dict"):
        read_state(file)
    file.write_bytes(b"")
    with pytest.raises(InputError, match="cannot be read as weights"):
        read_state(file)


def _forward(torch, state, x):
    """The network as its paper draws it, in torch."""
    functional = torch.nn.functional

    def layer(x, weight, norm, stride=1, clip=True):
        kernel = state[f"{weight}.weight"]
        groups = x.shape[1] if kernel.shape[1] == 1 and x.shape[1] > 1 else 1
        missing = max((-(-x.shape[-1] // stride) - 1) * stride + kernel.shape[-1] - x.shape[-1], 0)
        before, after = missing // 2, missing - missing // 2  # TensorFlow's SAME
        x = functional.conv2d(functional.pad(x, (before, after) * 2), kernel, None, stride, groups=groups)
        moments = (state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        x = functional.batch_norm(x, *moments, eps=1e-3)
        return x.clamp(0, 6) if clip else x

    x = layer(x, "_conv_stem", "_bn0", 2)
    starts = {0: 1, 1: 2, 4: 2, 7: 2, 11: 1, 15: 2, 20: 1}  # first block of each stage -> stride (Lite2)
    for number in range(21):
        block, before = f"_blocks.{number}.", x
        if f"{block}_expand_conv.weight" in state:
            x = layer(x, f"{block}_expand_conv", f"{block}_bn0")
        x = layer(x, f"{block}_depthwise_conv", f"{block}_bn1", starts.get(number, 1))
        x = layer(x, f"{block}_project_conv", f"{block}_bn2", clip=False)
        if number not in starts:
            x = x + before
    return layer(x, "_conv_head", "_bn1")
