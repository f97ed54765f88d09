"""`ModelAddress`: where an OpenAI-compatible server of a model is, how it is reached, and what its faults mean.

What mining (`kdsl.intentions.backends.server`) and the large model (`kdsl.models.server_client`) have in common.
Retries, back-off and time-outs are those of the package `openai`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

_BAD_REQUEST = (400, 413, 422)
_REFUSED = (401, 403, 404, 405)


class ModelAddress(BaseModel):
    """Where the server is, and how it is asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    """Such as `http://localhost:8000/v1`. Nothing else is ever fetched, and no redirect is followed."""
    model: str
    """What the server calls the model."""
    key_variable: str = "OPENAI_API_KEY"
    """Environment variable that holds the key, if the server wants one. A key is never written or logged."""
    in_flight: int = Field(16, ge=1)
    """Requests that are under way at once."""
    timeout: float = Field(120, gt=0)
    """Seconds that one attempt may take."""
    retries: int = Field(6, ge=0)
    """Further attempts after a time-out, a cut connection, or status 408, 409, 429 or 5xx; between them the wait grows
    from half a second to eight, or is what `Retry-After` says."""

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as http://localhost:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("an address holds no key: put it into the environment variable that key_variable names")
        return url

    @property
    def client_settings(self) -> dict[str, Any]:
        """Arguments of openai's clients, but for the HTTP client, which must follow no redirect: that would lead to
        an address that nobody gave."""
        return {
            "base_url": self.url,
            "api_key": os.environ.get(self.key_variable) or "none",
            "timeout": self.timeout,
            "max_retries": self.retries,
        }

    def fault(self, error: Exception) -> Fault:
        """What an error of the package `openai` means."""
        import openai

        match error:
            case openai.APIStatusError():
                status = error.status_code
                if status in _REFUSED or 300 <= status < 400:
                    return Fault(
                        "refused",
                        f"the server at {self.url} refuses requests for '{self.model}' (status {status}). "
                        f"Check its address, the model's name and the key in ${self.key_variable}.",
                    )
                kind: Literal["bad", "silent"] = "bad" if status in _BAD_REQUEST else "silent"
                return Fault(kind, f"the server answers with status {status}: {cut(str(error.body))}")
            case openai.APITimeoutError():
                return Fault("silent", f"no answer within {self.timeout:g} seconds")
            case openai.APIConnectionError():
                return Fault("silent", f"no connection: {cut(str(error.__cause__ or error))}")
            case _:  # what came back is no answer
                return Fault("silent", f"the answer cannot be read: {cut(str(error))}")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request got no answer.

    `refused`: no request will get one (the address, the model's name or the key is wrong); `bad`: this request will
    not; `silent`: none came, after all retries, and the fault may be the server's.
    """

    kind: Literal["refused", "bad", "silent"]
    reason: str


def cut(text: str) -> str:
    """A text as one line of at most 200 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:199] + "…"
