"""The encoder of pictures: the contract, its weights, and what it refuses."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.drawn_pictures import seen
from helpers.own_shop import noise
from PIL import Image

from kdsl.data.picture_view import PictureView
from kdsl.encoders.pictures import EfficientNetLite2, Look
from kdsl.encoders.registry import picture_encoder
from kdsl.encoders.torch_file import read_state
from kdsl.errors import ConfigError, InputError, MissingDependency


def test_a_repeated_picture_is_not_decoded_and_another_under_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KDSL_CACHE", str(tmp_path / "cache"))
    encoder = picture_encoder(EfficientNetLite2.name)
    picture = seen(tmp_path, noise(0))
    looks = [Look(picture), Look(picture, 0.7)]
    first = encoder.encode(looks)
    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", lambda *_, **__: pytest.fail("decoded again"))
        np.testing.assert_array_equal(encoder.encode(looks), first)
        turned = replace(picture, view=PictureView((48, 64), 90, (0, 0, 48, 64), 1, 1, 1, 0, 0))
        with pytest.raises(pytest.fail.Exception, match="decoded again"):
            encoder.encode([Look(turned)])
    noise(1).save(picture.path)
    assert not np.allclose(encoder.encode(looks), first, atol=1e-2)
    picture.path.unlink()
    with pytest.raises(InputError, match=f"{picture.path.name}.*cannot be read"):
        encoder.encode(looks)


def test_weights_and_network_are_those_of_pytorch(tmp_path: Path) -> None:
    """Torch's own reader, and torch's convolutions over the same picture, agree with what kdsl built."""
    torch = pytest.importorskip("torch")
    encoder = EfficientNetLite2()
    file = encoder._folder / next(iter(encoder.pinned))
    ours, theirs = read_state(file), torch.load(file, weights_only=True)
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        np.testing.assert_array_equal(ours[name], tensor.numpy())
    features = torch.from_numpy(encoder._pixels(noise(2)))
    with torch.no_grad():
        pooled = _forward(torch, theirs, features).mean(dim=(2, 3))[0].numpy()
    [found] = encoder.encode([Look(seen(tmp_path, noise(2)))])
    np.testing.assert_allclose(found, pooled / np.linalg.norm(pooled), atol=1e-3)


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


def test_no_library_takes_note_of_the_machine(tmp_path: Path) -> None:
    kept = {
        name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    code = "from kdsl.encoders.registry import picture_encoder as e; e('efficientnet-lite2')._session"
    environment = kept | {"HOME": str(tmp_path), "KDSL_CACHE": str(tmp_path / "kdsl")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


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
