"""Settings of a training that takes seconds."""

from __future__ import annotations

import pytest

from kdsl.config import Config, PromptConfig, TrainingConfig


@pytest.fixture(scope="session")
def small_config() -> Config:
    """Six optimizer steps of three samples; dropout on, so that a resumed run must restore its random state."""
    return Config(
        training=TrainingConfig(
            epochs=2, batch_size=3, lora_r=4, lora_alpha=8, lora_dropout=0.1, learning_rate=1e-2, save_every=2
        ),
        prompt=PromptConfig(max_tokens=160, max_pixels=6272),
    )
