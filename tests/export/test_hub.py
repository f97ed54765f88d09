"""Uploads, against a small server on this machine that stands in for the hub; no real host is asked."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kdsl.errors import InputError
from kdsl.export.hub import check_login, push_folder

PUSH = (
    "import sys; from pathlib import Path; from kdsl.errors import KdslError; from kdsl.export.hub import push_folder\n"
    "try: print(push_folder(Path(sys.argv[1]), sys.argv[2], private=len(sys.argv) > 3))\n"
    "except KdslError as error: sys.exit(str(error))"
)


class StandIn(BaseHTTPRequestHandler):
    """The four calls that an upload makes."""

    server: Any

    def do_GET(self) -> None:
        self._answer({"id": "shop/scene", "private": self.server.private, "siblings": [], "tags": []})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.tokens.add(self.headers.get("Authorization"))
        path = self.path.partition("?")[0]
        if path == "/api/repos/create":
            self.server.created.append(json.loads(body))
            self._answer({"url": f"http://{self.headers['Host']}/shop/scene"})
        elif "/preupload/" in path:
            asked = json.loads(body)["files"]
            self._answer(
                {"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]}
            )
        elif "/commit/" in path:
            rows = [json.loads(line) for line in body.splitlines()]
            for row in rows:
                if row["key"] == "file":
                    self.server.files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
            self._answer({"commitUrl": f"http://{self.headers['Host']}/shop/scene/commit/1", "commitOid": "1"})
        else:  # validate-yaml
            self._answer({"errors": [], "warnings": []})

    def _answer(self, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    server.private, server.created, server.files, server.tokens = False, [], {}, set()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    (made / "README.md").write_text("---\nlanguage: zh\n---\n# 场景\n", "utf-8")
    (made / "config.json").write_text("{}", "utf-8")
    return made


def push(folder: Path, port: int, *arguments: str, token: str = "hf_stand_in") -> subprocess.CompletedProcess[str]:
    """In a process of its own: the hub's library reads its settings when it is imported."""
    home = folder.parent / "home"
    ours = {
        "HF_ENDPOINT": f"http://127.0.0.1:{port}",
        "HF_TOKEN": token,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", PUSH, str(folder), *arguments]
    return subprocess.run(command, env=os.environ | ours, capture_output=True, text=True, timeout=120)


def test_uploads_every_file_with_the_logins_token(server: Any, folder: Path) -> None:
    server.private = True
    done = push(folder, server.server_port, "shop/scene", "private")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("/shop/scene")
    assert server.files == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert server.tokens == {"Bearer hf_stand_in"}
    (created,) = server.created
    assert (created["organization"], created["name"], created["visibility"]) == ("shop", "scene", "private")


def test_nothing_private_goes_to_a_public_repository(server: Any, folder: Path) -> None:
    done = push(folder, server.server_port, "shop/scene", "private")
    assert done.returncode == 1
    assert "exists already and is public" in done.stderr
    assert not server.files


def test_says_what_is_wrong_without_a_server_and_without_a_token(folder: Path) -> None:
    done = push(folder, 9, "shop/scene")  # nothing listens on the discard port
    assert done.returncode == 1
    assert "could not be pushed" in done.stderr
    assert "run the same command again" in done.stderr
    assert "Traceback" not in done.stderr
    done = push(folder, 9, "shop/scene", token="")
    assert "hf auth login" in done.stderr


@pytest.mark.parametrize("name", ["scene", "a/b/c", "/scene"])
def test_refuses_a_name_that_is_no_repository(name: str) -> None:
    with pytest.raises(InputError, match="owner/name"):
        check_login(name, "huggingface")


def test_modelscope_is_called_as_its_api_wants(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is an extra: a stand-in with the signatures of modelscope 1.40's HubApi records the calls."""
    calls: list[tuple[str, dict[str, Any]]] = []
    known = {"shop/old"}

    class HubApi:
        def repo_exists(self, repo_id: str, *, repo_type: str | None = None) -> bool:
            return repo_id in known

        def create_repo(self, repo_id: str, *, visibility: str, repo_type: str, exist_ok: bool) -> None:
            calls.append(("create", {"repo_id": repo_id, "visibility": visibility}))

        def upload_folder(self, *, repo_id: str, folder_path: str, commit_message: str) -> None:
            if repo_id == "shop/locked":
                raise ValueError("Token does not exist, please login first.")
            calls.append(("upload", {"repo_id": repo_id, "files": sorted(os.listdir(folder_path))}))

    api = types.ModuleType("modelscope.hub.api")
    api.HubApi = HubApi  # type: ignore[attr-defined]
    for name, module in (
        ("modelscope", types.ModuleType("modelscope")),
        ("modelscope.hub", types.ModuleType("modelscope.hub")),
        ("modelscope.hub.api", api),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    push_folder(folder, "shop/scene", hub="modelscope", private=True)
    assert calls == [
        ("create", {"repo_id": "shop/scene", "visibility": "private"}),
        ("upload", {"repo_id": "shop/scene", "files": ["README.md", "config.json"]}),
    ]
    with pytest.raises(InputError, match="Leave `private` out"):
        push_folder(folder, "shop/old", hub="modelscope", private=True)
    with pytest.raises(InputError, match="please login first"):
        push_folder(folder, "shop/locked", hub="modelscope")
