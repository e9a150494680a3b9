"""The conformance component in Python."""

from urllib.parse import urlsplit

import wit_world
from componentize_py_async_support import spawn
from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.exports.values import Everything, Shape, Shape_Named
from wit_world.imports import client, logging, types
from wit_world.imports import wasi_config_store as config
from wit_world.imports import wasi_keyvalue_store as store

CHUNK_BYTES = 64 * 1024


class Values(exports.Values):
    def echo(self, v: Everything) -> Everything:
        return v

    def settle(self, v: Shape) -> Shape:
        if isinstance(v, Shape_Named):
            raise Err(v.value)
        return v

    def told(self, huge: int, long: int, text: str) -> str:
        return f"{huge} {long} {len(text)}"


class Handler(exports.Handler):
    async def handle(self, request: types.Request) -> types.Response:
        path, _, query = (request.get_path_with_query() or "").partition("?")
        if path == "/echo":
            body, _ = types.Request.consume_body(request, done())
            return answer(201, await whole(body))
        if path == "/fetch":
            return answer(200, await fetched(query))
        return answer(*told(path, query))


def told(path: str, query: str) -> tuple[int, bytes]:
    if path == "/keep":
        return 200, kept(*query.split("=", 1))
    if path == "/setting":
        return 200, (config.get(query) or "nothing").encode()
    if path == "/note":
        logging.log(logging.Level.WARN, "conform", query)
        return 200, b"noted"
    return 404, b"no such page"


def kept(key: str, value: str) -> bytes:
    """What was at the key before."""
    with store.open("default") as bucket:
        before = bucket.get(key)
        bucket.set(key, value.encode())
    return b"nothing" if before is None else before


async def fetched(url: str) -> bytes:
    try:
        response = await client.send(request(url))
    except Err as error:
        return b"denied" if isinstance(error.value, types.ErrorCode_HttpRequestDenied) else repr(error.value).encode()
    status = response.get_status_code()
    body, _ = types.Response.consume_body(response, done())
    return f"{status} ".encode() + await whole(body)


def request(url: str) -> types.Request:
    parts = urlsplit(url)
    to, _ = types.Request.new(types.Fields(), None, no_trailers(), None)
    to.set_scheme(types.Scheme_Http())
    to.set_authority(parts.netloc)
    to.set_path_with_query(parts.path or "/")
    return to


async def whole(body) -> bytes:
    content = b""
    while not body.writer_dropped:
        content += await body.read(CHUNK_BYTES)
    return content


def answer(status: int, content: bytes) -> types.Response:
    to, body = wit_world.byte_stream()
    spawn(write(to, content))
    response, _ = types.Response.new(types.Fields.from_list([("x-conform", b"yes")]), body, no_trailers())
    response.set_status_code(status)
    return response


async def write(to, content: bytes) -> None:
    with to:
        await to.write_all(content)


def no_trailers():
    return wit_world.result_option_types_fields_types_error_code_future(lambda: Ok(None))[1]


def done():
    return wit_world.result_unit_types_error_code_future(lambda: Ok(None))[1]
