"""`Sessions`: browsers that signed in with a key. A session is a cookie that no script can read, and a token that pages
send back as a header with all that changes anything, so that no page from elsewhere can act for the person.

Sessions are held in memory: a restart ends them. A key that is revoked ends its sessions at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic
from urllib.parse import SplitResult, urlsplit

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers

from kdsl.serving.keys import KeyEntry, Keys
from kdsl.serving.problems import Problem

COOKIE = "kdsl_session"
TOKEN_HEADER = "X-CSRF-Token"
LASTS = 12 * 3600
"""Seconds from the sign-in to the end of a session."""
MOST = 1024
"""Sessions; the oldest end when more begin."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WRONG_KEYS = parse("20/minute")
"""Of one address with the id of a key that there is: each costs 50 ms of scrypt."""


class KeyCheck:
    """Looks keys up, and stops those who guess."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def entry(self, key: str, address: str) -> KeyEntry:
        """The entry of a valid key.

        Raises:
            Problem: the key is not valid, or too many wrong ones came from the address.
        """
        if found := self._keys.known(key):
            return found
        wrong = Problem(401, "the key is not valid.")
        claimed = self._keys.claimed(key)
        if claimed is None:
            raise wrong
        if not self._limiter.test(WRONG_KEYS, claimed.id, address):
            raise Problem(429, "too many wrong keys from this address.", retry_after=60)
        entry = await asyncio.to_thread(self._keys.check, key)
        if entry is None:
            self._limiter.hit(WRONG_KEYS, claimed.id, address)
            raise wrong
        return entry


@dataclass(frozen=True)
class Session:
    """A browser that signed in: whose key it has, the token of its pages, and when it ends by `time.monotonic`."""

    key: str
    token: str
    until: float


class Sessions:
    """The sessions of one server."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def begin(self, entry: KeyEntry) -> str:
        """Begin a session of a key; gives the cookie's value."""
        secret = secrets.token_urlsafe(32)
        self._sessions[_digest(secret)] = Session(entry.id, secret_token(), monotonic() + LASTS)
        while len(self._sessions) > MOST:
            self._sessions.popitem(last=False)
        return secret

    def find(self, secret: str) -> tuple[KeyEntry, Session] | None:
        """A session that has not ended, and the entry of its key."""
        session = self._sessions.get(_digest(secret))
        if session is None:
            return None
        entry = next((entry for entry in self._keys.entries if entry.id == session.key), None)
        if entry is None or monotonic() >= session.until:
            self.end(secret)
            return None
        return entry, session

    def end(self, secret: str) -> None:
        """End a session, if there is one."""
        self._sessions.pop(_digest(secret), None)


def secret_token() -> str:
    """What nobody guesses."""
    return secrets.token_urlsafe(32)


def check_origin(headers: Headers) -> None:
    """Refuse what a browser sends on behalf of a page from elsewhere.

    Raises:
        Problem: it comes from such a page.
    """
    origin = headers.get("origin")
    if origin is not None and address_of(origin).netloc != headers.get("host", ""):
        raise Problem(403, "this server answers no page from elsewhere.")


def address_of(text: str) -> SplitResult:
    """The parts of an address in a header; what is no address has none."""
    try:
        return urlsplit(text)
    except ValueError:
        return urlsplit("")


def check_token(method: str, headers: Headers, session: Session) -> None:
    """Refuse a change that no page of this server asked for.

    Raises:
        Problem: the token is missing or is another session's, or the page is from elsewhere.
    """
    if method in SAFE:
        return
    check_origin(headers)
    if not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), session.token.encode()):
        raise Problem(403, "the page is of another session; load it again.")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
