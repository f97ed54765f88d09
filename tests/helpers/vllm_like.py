"""A small real HTTP server over a tiny model: the part of vLLM's interface that scoring of labels uses.

The interface is that of vLLM's documentation and of its protocol files as of summer 2026; it is no vLLM. It computes
with transformers and peft alone, one full forward per prompt, and knows nothing of kdsl: equality with kdsl's scores
is equality with another implementation. `Behaviour` makes it an older or a broken server.
"""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from peft import PeftModel
from PIL import Image
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

NAME = "tiny"
"""What the base is called."""
TEXT = ("qwen3", "gemma3_text")


@dataclass(frozen=True)
class Behaviour:
    """What a server knows, wants and does wrong."""

    room: int = 2048
    """max_model_len."""
    key: str = ""
    """The key that is wanted."""
    n_params: int = 0
    """meta.n_params in /v1/models, as llama.cpp gives it."""
    old: bool = False
    """It does not know logprob_token_ids."""
    no_logprobs: bool = False
    wrong_adapters: bool = False
    """Its prompt_logprobs leave the adapter out."""
    wrong_tokens: bool = False
    """It has another tokenizer."""


class Model:
    """The base and its adapters; one forward at a time."""

    def __init__(self, folder: Path, adapters: dict[str, Path]) -> None:
        self.text_only = json.loads((folder / "config.json").read_text())["model_type"] in TEXT
        kind = AutoModelForCausalLM if self.text_only else AutoModelForImageTextToText
        self.model: Any = kind.from_pretrained(folder).eval()
        self.processor = (AutoTokenizer if self.text_only else AutoProcessor).from_pretrained(folder)
        self.tokenizer = self.processor if self.text_only else self.processor.tokenizer
        for name, adapter in adapters.items():
            if isinstance(self.model, PeftModel):
                self.model.load_adapter(str(adapter), name)
            else:
                self.model = PeftModel.from_pretrained(self.model, str(adapter), adapter_name=name).eval()
        self.adapters = adapters
        self.lock = threading.Lock()

    @torch.inference_mode()
    def log_probs(self, name: str, inputs: dict[str, Any]) -> torch.Tensor:
        """[tokens, vocabulary]."""
        with self.lock:
            if name in self.adapters:
                self.model.set_adapter(name)
                logits = self.model(**inputs).logits[0]
            elif isinstance(self.model, PeftModel):
                with self.model.disable_adapter():
                    logits = self.model(**inputs).logits[0]
            else:
                logits = self.model(**inputs).logits[0]
        return logits.float().log_softmax(-1)

    def render(self, messages: list[dict[str, Any]], generation: bool) -> dict[str, Any]:
        """The inputs that the chat template and the processor make of messages."""
        images, plain = [], []
        for message in messages:
            parts = message["content"]
            if not isinstance(parts, str):
                given, parts = parts, []
                for part in given:
                    if part["type"] == "text":
                        parts.append(part)
                        continue
                    data = part["image_url"]["url"].partition("base64,")[2]
                    images.append(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
                    parts.append({"type": "image"})
            plain.append({"role": message["role"], "content": parts})
        text = self.processor.apply_chat_template(plain, add_generation_prompt=generation, tokenize=False)
        return dict(self.processor(text=[text], images=images or None, return_tensors="pt"))


def first_step(row: torch.Tensor, body: dict[str, Any], options: Behaviour) -> tuple[int, dict[str, Any]]:
    """The likeliest token after a prompt, and the field `logprobs` of a completion."""
    likeliest = int(row.argmax())
    listed = [likeliest]
    if body.get("logprob_token_ids") and not options.old:
        listed += [token for token in body["logprob_token_ids"] if token != likeliest]
    assert body.get("return_tokens_as_token_ids")
    top = {f"token_id:{token}": float(row[token]) for token in listed}
    first = f"token_id:{likeliest}"
    return likeliest, {"tokens": [first], "token_logprobs": [top[first]], "top_logprobs": [top], "text_offset": [0]}


def given(rows: torch.Tensor, ids: list[int], tokenizer: Any) -> list[dict[str, Any] | None]:
    """The field `prompt_logprobs` for `prompt_logprobs: 0`."""
    values = rows[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0].tolist()
    said = [
        {str(token): {"logprob": value, "rank": 1, "decoded_token": tokenizer.decode([token])}}
        for token, value in zip(ids[1:], values, strict=True)
    ]
    return [None, *said]


def app_of(model: Model, options: Behaviour) -> FastAPI:
    """The routes."""
    app = FastAPI()
    names = [NAME, *model.adapters]

    def error(status: int, message: str) -> JSONResponse:
        return JSONResponse({"error": {"message": message, "type": "BadRequestError", "code": status}}, status)

    @app.middleware("http")
    async def key(request: Request, go_on: Any) -> Any:
        if options.key and request.headers.get("authorization") != f"Bearer {options.key}":
            return error(401, "Unauthorized")
        return await go_on(request)

    @app.get("/v1/models")
    def models() -> dict[str, Any]:
        base = {
            "id": NAME,
            "object": "model",
            "owned_by": "vllm",
            "max_model_len": options.room,
        }
        if options.n_params:
            base["meta"] = {"n_params": options.n_params}
        loras = [{"id": n, "object": "model", "owned_by": "vllm", "parent": NAME} for n in model.adapters]
        return {"object": "list", "data": [base, *loras]}

    @app.get("/version")
    def version() -> dict[str, str]:
        return {"version": "0.0.test"}

    @app.post("/tokenize")
    def tokenize(body: dict[str, Any]) -> dict[str, Any]:
        ids = model.tokenizer(body["prompt"], add_special_tokens=body["add_special_tokens"])["input_ids"]
        return {"count": len(ids), "max_model_len": options.room, "tokens": ids[::-1] if options.wrong_tokens else ids}

    @app.post("/v1/completions")
    def completions(body: dict[str, Any]) -> Any:
        if body["model"] not in names:
            return error(404, f"The model `{body['model']}` does not exist.")
        choices = []
        for index, ids in enumerate(body["prompt"]):
            if len(ids) + body["max_tokens"] > options.room:
                return error(400, f"This model's maximum context length is {options.room} tokens.")
            asked = body.get("prompt_logprobs") is not None
            name = NAME if asked and options.wrong_adapters else body["model"]
            rows = model.log_probs(name, {"input_ids": torch.tensor([ids])})
            choice: dict[str, Any] = {"index": index, "text": "", "finish_reason": "length", "logprobs": None}
            if body.get("logprobs") is not None:
                _, choice["logprobs"] = first_step(rows[-1], body, options)
            if asked and not options.no_logprobs:
                choice["prompt_logprobs"] = given(rows, ids, model.tokenizer)
            if options.no_logprobs:
                choice["logprobs"] = None
            choices.append(choice)
        return {"id": "1", "object": "text_completion", "model": body["model"], "choices": choices[::-1]}

    @app.post("/v1/chat/completions")
    def chat(body: dict[str, Any]) -> Any:
        if body["model"] not in names:
            return error(404, f"The model `{body['model']}` does not exist.")
        inputs = model.render(body["messages"], body.get("add_generation_prompt", True))
        rows = model.log_probs(body["model"], inputs)
        message = {"role": "assistant", "content": ""}
        answer: dict[str, Any] = {"choices": [{"index": 0, "message": message, "finish_reason": "length"}]}
        if body.get("prompt_logprobs") is not None:
            answer["prompt_logprobs"] = given(rows, inputs["input_ids"][0].tolist(), model.tokenizer)
        return {"id": "1", "object": "chat.completion", "model": body["model"], **answer}

    return app


@contextmanager
def vllm_like(model: Model, behaviour: Behaviour = Behaviour()) -> Iterator[str]:
    """The address of a server over a model, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app_of(model, behaviour), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"  # a request waits until it listens
    finally:
        server.should_exit = True
        thread.join()
