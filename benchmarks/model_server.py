"""A small OpenAI-compatible server over a model of this machine, for tests and for measuring throughput.

    python benchmarks/model_server.py MODEL_FOLDER --port 8000

POST /v1/chat/completions with `messages`, `max_tokens`, `logprobs`, `top_logprobs`; requests that wait together are one
batch. `transformers serve` gives no log-probabilities, and vLLM and SGLang need a GPU. Not for production.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import queue
import threading
from concurrent.futures import Future
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch
from PIL import Image

from kdsl.config import ModelConfig
from kdsl.intentions.backends.base import Failure, Request
from kdsl.intentions.backends.local import LocalBackend
from kdsl.models.encode import encode

Job = tuple[Request, int, int, "Future[dict[str, Any]]"]


class Batcher:
    """One thread that owns the model: whatever waits, up to `size` requests of one kind, is one forward pass."""

    def __init__(self, backend: LocalBackend, size: int) -> None:
        self.backend, self.size = backend, size
        self.jobs: queue.Queue[Job] = queue.Queue()
        threading.Thread(target=self._run, daemon=True).start()

    def ask(self, request: Request, max_tokens: int, top: int) -> dict[str, Any]:
        """The choice and usage of one request."""
        done: Future[dict[str, Any]] = Future()
        self.jobs.put((request, max_tokens, top, done))
        return done.result()

    def _run(self) -> None:
        while True:
            batch = [self.jobs.get()]
            while len(batch) < self.size and not self.jobs.empty():
                batch.append(self.jobs.get())
            for kind in {job[1:3] for job in batch}:
                alike = [job for job in batch if job[1:3] == kind]
                try:
                    answers = self._answer([job[0] for job in alike], *kind)
                except Exception as error:
                    for job in alike:
                        job[3].set_exception(error)
                else:
                    for job, answer in zip(alike, answers, strict=True):
                        job[3].set_result(answer)

    def _answer(self, requests: list[Request], max_tokens: int, top: int) -> list[dict[str, Any]]:
        backend = self.backend
        answers: list[dict[str, Any]] = []
        for _, written in sorted(backend.write(requests, max_tokens), key=lambda pair: pair[0]):
            if isinstance(written, Failure):
                answers.append({"error": written.reason})
                continue
            message = {"role": "assistant", "content": written.text}
            usage = {"prompt_tokens": written.usage.read, "completion_tokens": written.usage.written}
            usage["total_tokens"] = sum(usage.values())
            answers.append({"choice": {"index": 0, "message": message, "finish_reason": "stop"}, "usage": usage})
        if top:
            prompts = [backend._prompt(request, 0) for request in requests]
            tensors = encode(backend._loaded, prompts, padding="left").tensors
            with torch.inference_mode():
                last = backend._loaded.model(**tensors).logits[:, -1].float().log_softmax(-1)
            for answer, row in zip(answers, last, strict=True):
                values, ids = row.topk(top)
                tokens = [
                    {"token": backend._loaded.tokenizer.decode([id]), "logprob": value, "bytes": None}
                    for id, value in zip(ids.tolist(), values.tolist(), strict=True)
                ]
                answer["choice"]["logprobs"] = {"content": [{**tokens[0], "top_logprobs": tokens}], "refusal": None}
        return answers


def request_of(body: dict[str, Any]) -> Request:
    """The messages of a request: the user's text and picture, and what the answer begins with."""
    text, picture, opening = "", None, ""
    for message in body["messages"]:
        content = message["content"]
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            if part["type"] == "image_url":
                data = base64.b64decode(part["image_url"]["url"].partition("base64,")[2])
                picture = Image.open(io.BytesIO(data)).convert("RGB")
            elif message["role"] == "assistant":
                opening = part["text"]
            else:
                text += part["text"]
    return Request(text, picture, opening)


def serve(backend: LocalBackend, port: int, batch: int) -> None:
    """Serve until the process ends; the port is printed once requests are taken."""
    batcher = Batcher(backend, batch)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/chat/completions":
                return self.reply(404, {"error": {"message": f"no such path: {self.path}"}})
            answer = batcher.ask(request_of(body), int(body["max_tokens"]), int(body.get("top_logprobs") or 0))
            if "error" in answer:
                return self.reply(400, {"error": {"message": answer["error"]}})
            whole = {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"]}
            return self.reply(200, {**whole, "choices": [answer["choice"]], "usage": answer["usage"]})

        def reply(self, status: int, value: dict[str, Any]) -> None:
            content = json.dumps(value).encode()
            with suppress(ConnectionError):  # the client has gone
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that was killed is no fault of this server."""

    server = Server(("127.0.0.1", port), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--batch", type=int, default=16)
    given = parser.parse_args()
    local = LocalBackend(ModelConfig(source=given.model, device="cpu"), batch_size=given.batch)
    serve(local, given.port, given.batch)
