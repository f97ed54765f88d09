"""`MiningConfig`: the settings of mining intentions; `kdsl.config_file.load_settings` reads them from YAML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kdsl.config import EncodersConfig, ModelConfig
from kdsl.config_file import load_settings
from kdsl.errors import ConfigError
from kdsl.intentions.backends.server import ServerConfig
from kdsl.intentions.relations import Language
from kdsl.resources import resource


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LocalConfig(_Part):
    """A model of this process."""

    model: ModelConfig
    batch_size: int = Field(8, ge=1)
    """Requests per forward pass."""
    max_pixels: int = Field(401_408, ge=784)
    """A larger picture is scaled down to this many pixels."""


class JudgeConfig(_Part):
    """The role-aware verdict, and the critic behind it."""

    min_probability: float = Field(0.5, ge=0, le=1)
    """Probability of 'yes' against 'no' from which the judge lets an intention pass; 0 leaves it to the critic."""
    encoder: str = EncodersConfig().text[0]
    """The encoder of texts that near-duplicates and the critic rest on."""


class PricesConfig(_Part):
    """What a million tokens cost, in any currency, for the report."""

    read: float = Field(0, ge=0)
    written: float = Field(0, ge=0)


class MiningConfig(_Part):
    """All settings of a run; either `local` or `server` says who is asked."""

    language: Language = "en"
    """Of the requests, and so of the intentions."""
    local: LocalConfig | None = None
    server: ServerConfig | None = None
    relations: str = Field(default_factory=lambda: str(resource("configs/mining/relations.yaml")))
    """YAML file of relations and their wordings."""
    feature_tokens: int = Field(160, ge=8)
    """Most tokens that stage 1 writes per product."""
    intention_tokens: int = Field(80, ge=8)
    """Most tokens that stage 2 writes per pair and relation, after the relation's wording."""
    max_megapixels: float = Field(100, gt=0)
    """A larger picture is refused before it is decoded."""
    judge: JudgeConfig = JudgeConfig()
    prices: PricesConfig = PricesConfig()

    @model_validator(mode="after")
    def _one_is_asked(self) -> Self:
        if (self.local is None) == (self.server is None):
            raise ValueError("name one model to ask: a section `local` or a section `server`, and not both")
        return self


def load_mining(
    config: str, overrides: Sequence[str] = (), server: str | None = None, model: str | None = None
) -> MiningConfig:
    """The settings of a file, with overrides; a server that is given stands for the model that the file names.

    Raises:
        ConfigError: lists all faults; or only one of `server` and `model` is given.
    """
    if (server is None) != (model is None):
        raise ConfigError("a server and its model belong together: give both `server` and `model`, or neither.")
    asked = (
        []
        if server is None
        else ["local=null", f"server.url={json.dumps(server)}", f"server.model={json.dumps(model)}"]
    )
    return load_settings(MiningConfig, config, [*asked, *overrides])
