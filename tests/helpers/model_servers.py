"""A real HTTP server with a tiny model behind it, and a proxy that makes its connections fail."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def model_server(folder: Path) -> Iterator[str]:
    """The address of `benchmarks/model_server.py` over a model folder, in a process of its own."""
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "model_server.py"), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()


class FaultyProxy:
    """Passes requests on to a server, but for those that get a fault: the n-th request gets the n-th, None is none.

    A fault is a status ('500', '429 after 1': with `Retry-After`), 'cut' (the answer ends in its middle) or 'hang'.
    After the last fault all requests are passed on; `seen` counts them.
    """

    def __init__(self, server: str, faults: Sequence[str | None]) -> None:
        self._port = int(server.rsplit(":", 1)[1].split("/")[0])
        self._faults = list(faults)
        self._lock = threading.Lock()
        self.seen = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # a thread may be waiting in accept
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            request = _message(client)
            with self._lock:
                fault = self._faults[self.seen] if self.seen < len(self._faults) else None
                self.seen += 1
            if fault == "hang":
                time.sleep(30)
            elif fault == "cut":
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
            elif fault:
                status, _, after = fault.partition(" after ")
                header = f"Retry-After: {after}\r\n" if after else ""
                client.sendall(
                    f"HTTP/1.1 {status} no\r\n{header}Connection: close\r\nContent-Length: 0\r\n\r\n".encode()
                )
            else:
                with socket.create_connection(("127.0.0.1", self._port)) as server:
                    server.sendall(request)
                    client.sendall(_message(server).replace(b"\r\n", b"\r\nConnection: close\r\n", 1))


def _message(source: socket.socket) -> bytes:
    """One HTTP message with its body."""
    content = b""
    while b"\r\n\r\n" not in content:
        content += _received(source)
    head, _, body = content.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < length:
        body += _received(source)
    return head + b"\r\n\r\n" + body


def _received(source: socket.socket) -> bytes:
    part = source.recv(1 << 16)
    if not part:
        raise OSError("closed")
    return part
