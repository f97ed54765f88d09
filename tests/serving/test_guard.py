"""Keys, roles, rates, and who may ask a server that has no keys."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from helpers.running import Running, running, said

from kdsl.cli.main import cli
from kdsl.errors import InputError
from kdsl.serving.app import build_app
from kdsl.serving.keys import Keys, Role
from kdsl.serving.middleware import OPEN
from kdsl.serving.settings import ServerSettings


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "state" / "keys.json")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_key_is_known_by_its_hash_alone(keys: Keys, tmp_path: Path) -> None:
    key = keys.add("shop", ["predict"])
    file = tmp_path / "state" / "keys.json"
    secret = key.rsplit("_", 1)[1] if key.count("_") == 2 else key.split("_", 2)[2]
    assert secret not in file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = Keys(file).check(key)
    assert found is not None
    assert (found.name, found.roles) == ("shop", ("predict",))
    for wrong in (key[:-1] + ("A" if key[-1] != "A" else "B"), key[:10], "", "kdsl_00000000_" + "a" * 43, key + "x"):
        assert keys.check(wrong) is None


def test_an_empty_list_of_keys_says_so_and_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    missing = CliRunner().invoke(cli, ["keys", "list", "--state", str(tmp_path / "shop.stat")])
    assert isinstance(missing.exception, InputError)
    assert "shop.stat: is no folder" in str(missing.exception)
    none = CliRunner().invoke(cli, ["keys", "list", "--state", str(tmp_path)])
    assert (none.exit_code, none.stdout) == (0, "")
    assert "there is no key" in none.stderr


def test_a_revoked_key_ends_at_once_everywhere(keys: Keys, tmp_path: Path) -> None:
    key, other = keys.add("a", ["admin"]), Keys(tmp_path / "state" / "keys.json")
    assert other.check(key)
    keys.revoke("a")
    assert other.known(key) is None
    assert other.check(key) is None
    with pytest.raises(InputError, match="no key 'a'"):
        keys.revoke("a")


def test_names_are_given_once(keys: Keys) -> None:
    keys.add("a", ["read"])
    with pytest.raises(InputError, match="there is a key 'a' already"):
        keys.add("a", ["read"])
    with pytest.raises(InputError, match="expected up to 64"):
        keys.add("../a", ["read"])


def test_a_damaged_file_lets_nobody_in(keys: Keys, tmp_path: Path) -> None:
    key = keys.add("a", ["read"])
    file = tmp_path / "state" / "keys.json"
    file.write_text(file.read_text("utf-8")[:-20], "utf-8")
    with pytest.raises(InputError, match="holds no keys that can be read"):
        keys.check(key)


@pytest.fixture(scope="module")
def keyed(light: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, dict[str, str]]]:
    """A server with a key per role, and the keys."""
    state = tmp_path_factory.mktemp("state")
    roles: tuple[Role, ...] = ("read", "predict", "feedback", "admin")
    made = {role: Keys(state / "keys.json").add(role, [role]) for role in roles}
    with running(ServerSettings(light, state=state)) as started:
        yield started, made


def operations(started: Running, key: str) -> list[tuple[str, str]]:
    paths = started.client.get("/openapi.json", headers=bearer(key)).json()["paths"]
    return [(method.upper(), path.replace("{number}", "1")) for path, found in paths.items() for method in found]


def test_no_route_answers_without_a_key(keyed: tuple[Running, dict[str, str]]) -> None:
    started, made = keyed
    every = operations(started, made["read"])
    assert len(every) > 15
    for method, path in [*every, ("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/nothing")]:
        for headers in ({}, bearer("kdsl_00000000_" + "a" * 43), {"Authorization": "Basic YTpi"}):
            answer = started.client.request(method, path, headers=headers)
            assert (answer.status_code == 401) == (path not in OPEN), f"{method} {path}: {answer.status_code}"


ALLOWED = {
    ("GET", "/v1/tasks"): {"read"},
    ("GET", "/v1/rules"): {"read"},
    ("GET", "/v1/bundles"): {"read"},
    ("GET", "/metrics"): {"read"},
    ("POST", "/v1/rules/test"): {"read"},
    ("POST", "/v1/predict"): {"predict"},
    ("POST", "/v1/predict/batch"): {"predict"},
    ("POST", "/v1/feedback"): {"feedback"},
    ("POST", "/v1/feedback/1/undo"): {"feedback"},
    ("GET", "/v1/feedback"): set(),
    ("POST", "/v1/rules/add"): set(),
    ("POST", "/v1/rules/edit"): set(),
    ("POST", "/v1/rules/undo"): set(),
    ("POST", "/v1/bundles"): set(),
    ("POST", "/v1/bundles/back"): set(),
}


@pytest.mark.parametrize(("method", "path"), ALLOWED)
def test_a_key_is_good_for_its_roles(keyed: tuple[Running, dict[str, str]], method: str, path: str) -> None:
    started, made = keyed
    for role, key in made.items():
        status = started.client.request(method, path, headers=bearer(key), json={}).status_code
        assert (status == 403) == (role not in {*ALLOWED[method, path], "admin"}), f"{role}: {status}"


def test_many_wrong_keys_are_not_looked_at_any_more(light: Path, tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    key = keys.add("a", ["read"])
    wrong = key[:-2] + "zz"
    with running(ServerSettings(light, state=tmp_path)) as started:
        assert started.client.get("/v1/tasks", headers=bearer(key)).status_code == 200
        found = [started.client.get("/v1/tasks", headers=bearer(wrong)).status_code for _ in range(25)]
        assert found == [401] * 20 + [429] * 5
        assert started.client.get("/v1/tasks", headers=bearer(key)).status_code == 200
        keys.revoke("a")  # the last one, which opens nothing
        assert started.client.get("/v1/tasks").status_code == 401


def test_a_rate_is_kept_per_key(light: Path, tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    one, other = keys.add("one", ["read"]), keys.add("other", ["read"])
    with running(ServerSettings(light, state=tmp_path, rate="3/hour")) as started:
        found = [started.client.get("/v1/tasks", headers=bearer(one)) for _ in range(5)]
        assert [answer.status_code for answer in found] == [200] * 3 + [429] * 2
        assert int(found[-1].headers["retry-after"]) > 60
        assert started.client.get("/v1/tasks", headers=bearer(other)).status_code == 200
        assert started.client.get("/healthz").status_code == 200
    with pytest.raises(InputError, match="600/minute"):
        build_app(ServerSettings(light, state=tmp_path, rate="often")).build_middleware_stack()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "shop.example"])
def test_others_are_not_served_without_a_key(light: Path, tmp_path: Path, host: str) -> None:
    with pytest.raises(InputError, match="can be reached from other machines, and no key is needed yet"):
        build_app(ServerSettings(light, host=host, state=tmp_path))


def test_others_are_never_served_without_a_key_even_if_the_last_one_is_revoked(light: Path, tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    keys.add("a", ["admin"])
    settings = ServerSettings(light, host="0.0.0.0", state=tmp_path)
    with running(settings) as started:
        keys.revoke("a")
        assert started.client.get("/v1/tasks").status_code == 401


def test_pages_from_elsewhere_are_not_served_without_a_key(server: Running) -> None:
    for host in ("shop.example", "127.0.0.1.example:80", "", "[", "[localhost]"):
        assert server.client.get("/v1/tasks", headers={"Host": host}).status_code == 421
    for origin in ("https://shop.example", "null", "http://localhost:1", "http://[", "http://[localhost]"):
        answer = server.client.post("/v1/predict", json=said("hi"), headers={"Origin": origin})
        assert answer.status_code == 403
    own = {"Origin": str(server.client.base_url).rstrip("/")}
    assert server.client.post("/v1/predict", json=said("hi"), headers=own).status_code == 200
    plain = server.client.post("/v1/feedback", content=json.dumps({"sample": said("hi")}).encode())
    assert plain.status_code == 422  # without JSON's content type a form of a page could send it


def test_the_command_makes_lists_and_revokes_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = ["--state", str(tmp_path)]
    cli(["keys", "add", "shop", "--role", "predict", "--role", "read", *state], standalone_mode=False)
    key = capsys.readouterr().out.strip()
    assert Keys(tmp_path / "keys.json").check(key)
    cli(["keys", *state], standalone_mode=False)
    listed = capsys.readouterr().out
    assert "shop  predict, read" in listed
    assert key not in listed
    cli(["keys", "revoke", "shop", *state], standalone_mode=False)
    assert not Keys(tmp_path / "keys.json").check(key)


def test_a_client_without_a_key_learns_how_to_send_one(keyed: tuple[Running, dict[str, str]]) -> None:
    answer = httpx.get(f"{keyed[0].url}/v1/tasks")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer KEY" in answer.json()["detail"]
