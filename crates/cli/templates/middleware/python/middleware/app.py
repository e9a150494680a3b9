"""Passes requests on, and adds a header to each answer. Bodies stay streams: no byte of them comes through here."""

import wit_world
from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports import handler
from wit_world.imports.types import Request, Response


class Handler(exports.Handler):
    async def handle(self, request: Request) -> Response:
        answer = await handler.handle(request)
        status, headers = answer.get_status_code(), answer.get_headers().clone()
        headers.append("x-my-actor", b"passed")
        # The headers of an answer are fixed: a new one gets its body.
        _, received = wit_world.result_unit_types_error_code_future(lambda: Ok(None))
        body, trailers = Response.consume_body(answer, received)
        marked, _ = Response.new(headers, body, trailers)
        marked.set_status_code(status)
        return marked
