"""`Keys`: who may do what. Only scrypt hashes of keys are on disk, in `keys.json` of the server's state."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from kdsl.errors import InputError, did_you_mean
from kdsl.files import atomic_write
from kdsl.runs import sole_writer

Role = Literal["read", "predict", "feedback", "label", "admin"]
ROLES: tuple[Role, ...] = ("read", "predict", "feedback", "label", "admin")
"""read: tasks, rules, figures. predict: predictions. feedback: corrections. label: what users wrote, in the queue.
admin: all, rules and bundles, too."""

_NAME = re.compile(r"[\w.-]{1,64}")
_KEY = re.compile(r"kdsl_(?P<id>[0-9a-f]{8})_[\w-]{43}", re.ASCII)
_COST = {"n": 1 << 14, "r": 8, "p": 1, "dklen": 32}
"""scrypt, RFC 7914: 16 MiB and some 50 ms for each try."""
_MOST_KNOWN = 1024
_FILE_MODE = 0o600
_RESTORE = "Restore it, or delete it and make new keys."


class KeyEntry(BaseModel):
    """One key as it stands on disk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    roles: tuple[Role, ...]
    made: str
    salt: str
    hash: str


_ENTRIES = TypeAdapter(tuple[KeyEntry, ...])


class Keys:
    """The keys in a file, which is read again when it has changed: a revoked key ends at once."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._entries: dict[str, KeyEntry] = {}
        self._known: dict[bytes, str] = {}  # digest of a key that was checked -> its id: scrypt is slow on purpose

    @property
    def entries(self) -> Sequence[KeyEntry]:
        """All keys, in the order they were made.

        Raises:
            InputError: the file cannot be read. No key is taken for valid then.
        """
        self._reread()
        return tuple(self._entries.values())

    @property
    def needed(self) -> bool:
        """Whether a key is needed: once one was made, for good; who revokes the last one opens nothing.

        Raises:
            InputError: the file cannot be read.
        """
        self._reread()
        return self._stamp is not None

    def add(self, name: str, roles: Sequence[Role]) -> str:
        """Make a key and keep its hash; the key itself is told this once.

        Raises:
            InputError: the name is taken or is no name, or the file cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"`name` {name!r}: expected up to 64 letters, digits, dots, dashes and underscores.")
        if not roles:
            raise InputError(f"`role` is missing; give one or more of: {', '.join(ROLES)}.")
        id, secret, salt = secrets.token_hex(4), secrets.token_urlsafe(32), secrets.token_bytes(16)
        with sole_writer(self._file):
            entries = self.entries
            if any(entry.name == name for entry in entries):
                raise InputError(f"there is a key '{name}' already; revoke it first, or choose another name.")
            made = datetime.now(UTC).isoformat(timespec="seconds")
            hashed = _hash(secret, salt)
            entry = KeyEntry(
                id=id, name=name, roles=tuple(dict.fromkeys(roles)), made=made, salt=salt.hex(), hash=hashed
            )
            self._write([*entries, entry])
        return f"kdsl_{id}_{secret}"

    def revoke(self, name: str) -> None:
        """Take a key away.

        Raises:
            InputError: there is none of this name, or the file cannot be written.
        """
        with sole_writer(self._file):
            entries = self.entries
            names = [entry.name for entry in entries]
            if name not in names:
                raise InputError(f"there is no key '{name}'.{did_you_mean(name, names)}")
            self._write([entry for entry in entries if entry.name != name])

    def known(self, key: str) -> KeyEntry | None:
        """The entry of a key that `check` found valid before, without scrypt."""
        self._reread()
        return self._entries.get(self._known.get(_digest(key), ""))

    def claimed(self, key: str) -> KeyEntry | None:
        """The entry that a key says it is of, by its id alone."""
        match = _KEY.fullmatch(key)
        return self._entries.get(match["id"]) if match else None

    def check(self, key: str) -> KeyEntry | None:
        """The entry of a key, or None if it is not valid; takes some 50 ms where it was not checked before."""
        if found := self.known(key):
            return found
        entry = self.claimed(key)
        if entry is None:
            return None
        secret = key.split("_", 2)[2]
        if not hmac.compare_digest(_hash(secret, bytes.fromhex(entry.salt)), entry.hash):
            return None
        if len(self._known) < _MOST_KNOWN:
            self._known[_digest(key)] = entry.id
        return entry

    def _write(self, entries: Sequence[KeyEntry]) -> None:
        content = json.dumps([entry.model_dump() for entry in entries], ensure_ascii=False, indent=1)
        if not self._file.is_file():
            self._file.touch(_FILE_MODE)  # `atomic_write` keeps the permissions
        atomic_write(self._file, content)

    def _reread(self) -> None:
        try:
            stat = self._file.stat()
        except FileNotFoundError:
            self._stamp, self._entries, self._known = None, {}, {}
            return
        except OSError as error:
            raise InputError(f"{self._file} cannot be looked up ({error.strerror}). {_RESTORE}") from error
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self._stamp:
            return
        try:
            found = _ENTRIES.validate_json(self._file.read_bytes() or b"[]")
        except (OSError, ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is damaged, or another program's"
            raise InputError(f"{self._file} holds no keys that can be read ({why}). {_RESTORE}") from error
        self._entries, self._known, self._stamp = {entry.id: entry for entry in found}, {}, stamp


def _hash(secret: str, salt: bytes) -> str:
    return hashlib.scrypt(secret.encode(), salt=salt, **_COST).hex()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
