"""`ServerSettings`: what a server is started with."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from kdsl.errors import InputError
from kdsl.serving.batcher import Bounds

LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]", "::1")


@dataclass(frozen=True)
class ServerSettings:
    """What a server is started with; sizes are in the units of their names."""

    bundle: Path
    host: str = "127.0.0.1"
    port: int = 8000
    state: Path | None = None
    """The folder of keys, feedback and the record of which bundle is served."""
    data: tuple[Path, ...] = ()
    """Labelled samples on which the effect of a rule's change is measured; `images` and `ocr` belong to them."""
    images: Path = Path()
    ocr: Path | None = None
    queue: int = 256
    """Samples that may be admitted and not answered yet."""
    batch: Bounds = field(default_factory=lambda: Bounds(items=64, tokens=32_768, pixels=16_000_000))
    timeout: float = 30.0
    """Seconds from a request's arrival to its answer; a client may ask for less."""
    max_request_mb: float = 20.0
    max_megapixels: float = 25.0
    rate: str | None = None
    """Requests of one key, or address where there are no keys, such as '600/minute'."""
    log_texts: bool = False
    keep_uncertain: bool = False
    """Keep samples that a person should look at, with their pictures, in the state folder."""

    @property
    def state_folder(self) -> Path:
        """`state`, by default beside the bundle."""
        return self.state or self.bundle.with_name(f"{self.bundle.name}.state")

    def make_state_folder(self) -> None:
        """Make the state folder where there is none.

        Raises:
            InputError: it cannot be made, or is no folder.
        """
        try:
            self.state_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"`state` {self.state_folder}: cannot be the folder for keys and corrections ({error.strerror}). Name "
                "one that the user who runs kdsl can write to."
            ) from error

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check_reach(self, keys: int) -> None:
        """Refuse a server that others can reach without a key.

        Raises:
            InputError: it listens on more than this machine, and there is no key.
        """
        if not self.local and not keys:
            raise InputError(
                f"`host` {self.host} can be reached from other machines, and no key is needed yet. Add one first "
                f"(`kdsl keys add` with `state` {self.state_folder}), or listen on 127.0.0.1."
            )
