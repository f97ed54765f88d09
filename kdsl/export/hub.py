"""Uploads of folders to a model hub with the hub's library, which also provides the login token."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from kdsl.errors import InputError, MissingDependency

Hub = Literal["huggingface", "modelscope"]


def check_login(repo_id: str, hub: Hub) -> None:
    """Check that a push is possible, before any long work and without contacting a server.

    Raises:
        InputError: `repo_id` is not owner/name, or nobody is logged in.
        MissingDependency: the hub's library is not installed.
    """
    if repo_id.count("/") != 1 or not all(repo_id.split("/")):
        raise InputError(f"'{repo_id}' names no repository; expected owner/name, such as our-shop/scene-adapter.")
    if hub == "huggingface":
        from huggingface_hub import get_token

        if get_token() is None:
            raise InputError(
                "there is no Hugging Face token, so nothing can be pushed. Log in once (`hf auth login`) or set "
                "HF_TOKEN; the token needs the right to write."
            )
        return
    try:
        import modelscope.hub.api  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            "pushing to ModelScope needs the package modelscope: `pip install 'kdsl[modelscope]'`."
        ) from error


def push_folder(folder: Path, repo_id: str, *, hub: Hub = "huggingface", private: bool = False) -> str:
    """Create the model repository `repo_id` if it does not exist, and upload all files of `folder`.

    The folder is not changed, so a failed upload can be repeated. Returns the URL of the repository.

    Raises:
        InputError: nobody is logged in, the repository is public but `private` is set, or the hub cannot be reached or
            rejects the upload.
        MissingDependency: the hub's library is not installed.
    """
    check_login(repo_id, hub)
    push = _push_huggingface if hub == "huggingface" else _push_modelscope
    try:
        return push(folder, repo_id, private)
    except InputError:
        raise
    except Exception as error:  # both libraries raise errors of their HTTP clients as well as their own
        raise InputError(
            f"{folder} could not be pushed to {hub}:{repo_id}: {type(error).__name__}: {error}\n"
            "The folder is complete; run the same command again once this is mended (network, token with the right "
            "to write, name of the repository)."
        ) from error


def _push_huggingface(folder: Path, repo_id: str, private: bool) -> str:
    from huggingface_hub import HfApi

    api = HfApi()
    url = api.create_repo(repo_id, private=private or None, exist_ok=True)
    if private and not api.model_info(repo_id).private:
        raise _is_public(repo_id)
    api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message="Upload by kdsl adapters export")
    return str(url)


def _push_modelscope(folder: Path, repo_id: str, private: bool) -> str:
    from modelscope.hub.api import HubApi

    api = HubApi()
    if private and api.repo_exists(repo_id):
        raise InputError(
            f"{repo_id} exists already on ModelScope, where its visibility is set on the site alone. "
            "Leave `private` out to push to it as it is, or name a new repository."
        )
    api.create_repo(repo_id, visibility="private" if private else "public", repo_type="model", exist_ok=True)
    api.upload_folder(repo_id=repo_id, folder_path=str(folder), commit_message="Upload by kdsl adapters export")
    return f"modelscope:{repo_id}"


def _is_public(repo_id: str) -> InputError:
    return InputError(
        f"{repo_id} exists already and is public, so `private` cannot be kept; nothing was uploaded. "
        "Make it private on the site, or name a new repository."
    )
