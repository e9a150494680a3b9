"""Says hello to whom the path names. It knows of no middleware."""

import wit_world
from componentize_py_async_support import spawn
from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import Fields, Request, Response


class Handler(exports.Handler):
    async def handle(self, request: Request) -> Response:
        return text(200, f"Hello, {name(request.get_path_with_query() or '/')}!\n")


def name(path: str) -> str:
    """The last step of the path; without one it is the world."""
    return path.split("?")[0].split("/")[-1] or "world"


def text(status: int, body: str) -> Response:
    to, stream = wit_world.byte_stream()
    _, no_trailers = wit_world.result_option_types_fields_types_error_code_future(lambda: Ok(None))
    spawn(write(to, body.encode()))
    fields = Fields()
    fields.append("content-type", b"text/plain; charset=utf-8")
    response, _ = Response.new(fields, stream, no_trailers)
    response.set_status_code(status)
    return response


async def write(to, body: bytes) -> None:
    with to:
        await to.write_all(body)
