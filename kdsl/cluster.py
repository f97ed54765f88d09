"""`cluster`: Ray, for predictions and searches on many cores or machines."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from kdsl.errors import ConfigError, MissingDependency

OBJECT_STORE = 1 << 30
"""Bytes of shared memory for what is in transit in a local cluster: a chunk of rows or of queries takes a megabyte."""


@contextmanager
def cluster() -> Iterator[Any]:
    """Ray, connected to RAY_ADDRESS or to a new local cluster."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # kdsl sends nothing
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # errors that matter are raised
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        # The only way to make Ray listen only on 127.0.0.1 (the name refers to systems where this is the default):
        # ray.init replaces a loopback address by the machine's external one. Ray reads it when it is imported.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
    except ImportError as error:
        raise MissingDependency("this needs Ray, which is not installed. Run: pip install 'kdsl[ray]'") from error
    own = {"address": "local", "include_dashboard": False, "object_store_memory": OBJECT_STORE}
    # Ray reports workers that died on stdout, which is reserved for results, and warns about its API
    with redirect_stdout(sys.stderr), warnings.catch_warnings(action="ignore"):
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **({} if address else own))
        except Exception as error:  # Ray raises no narrower type if the start takes too long
            where = f"no cluster answers at RAY_ADDRESS={address}" if address else "no local cluster could be started"
            raise ConfigError(f"{where}: {error}") from error
        try:
            yield ray
        finally:
            ray.shutdown()
