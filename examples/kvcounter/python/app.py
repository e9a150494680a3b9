"""Counts visits by path in a key-value store. Plain business logic: no platform code."""

import json
import re
from urllib.parse import parse_qsl

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.handler import HttpRequest, HttpResponse
from wit_world.imports import counter


class Handler(exports.Handler):
    def handle_request(self, req: HttpRequest) -> HttpResponse:
        try:
            value = counter.increment(key_of(req.path), amount_of(req.query_string))
            status, body = 200, {"counter": value}
        except Err as error:
            status, body = 500, {"error": describe(error.value)}
        return HttpResponse(
            status_code=status,
            header=[("content-type", "application/json")],
            body=json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
        )


def key_of(path: str) -> str:
    """`/a/b` is counted under `counter:a:b`."""
    return "counter:" + path.removeprefix("/").replace("/", ":")


def amount_of(query: str) -> int:
    """The query's `amount`, or 1 when it is missing or not a 32-bit number."""
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name == "amount":
            number = int(text) if re.fullmatch(r"[+-]?[0-9]{1,20}", text) else 1
            return number if -(2**31) <= number < 2**31 else 1
    return 1


def describe(error: object) -> str:
    """The text that the Rust twin prints: `RpcError::Transport("no host")`."""
    name = type(error).__name__.replace("_", "::")
    return f"{name}({json.dumps(error.value)})" if hasattr(error, "value") else name
