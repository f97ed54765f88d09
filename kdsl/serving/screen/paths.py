"""Where the screen lies in the server's app."""

from __future__ import annotations

ROOT = "/screen"
SIGN_IN = f"{ROOT}/sign-in"
STATIC = f"{ROOT}/static/"
