"""Between `wasi:http` 0.3, whose bodies are streams, and plain values."""

import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import wit_world
from componentize_py_async_support import spawn
from componentize_py_async_support.futures import FutureReader
from componentize_py_async_support.streams import ByteStreamReader, ByteStreamWriter
from componentize_py_types import Err, Ok
from wit_world.imports import client
from wit_world.imports.types import Fields, Request, RequestOptions, Response, Scheme_Http, Scheme_Https

# All that another server may take until its answer begins.
PATIENCE_SECONDS = 3.0
REDIRECTS_MAX = 3
CHUNK_BYTES = 64 * 1024


class Slow(Exception):
    """The other server did not answer in time, or sent us around."""


@dataclass
class Upstream:
    """An answer whose body has not been read, or not wholly."""

    status: int
    headers: Fields
    body: ByteStreamReader
    trailers: FutureReader
    # What has been read of the body.
    begin: bytes = b""

    def header(self, name: str) -> str:
        return b", ".join(self.headers.get(name)).decode("latin-1")

    async def read(self, at_most: int) -> bytes | None:
        """The body, unless it is longer. Raises `Err` where it breaks off."""
        while not self.body.writer_dropped and len(self.begin) <= at_most:
            self.begin += await self.body.read(CHUNK_BYTES)
        if len(self.begin) > at_most:
            return None
        ended = await self.trailers.read()
        if isinstance(ended, Err):
            raise ended
        return self.begin


async def fetch(url: str) -> Upstream:
    """Asks for a page, and follows it where it has moved. The host checks each destination against the grants."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    for _ in range(REDIRECTS_MAX + 1):
        answer = await client.send(_request(url, give_up - time.monotonic()))
        status, headers = answer.get_status_code(), answer.get_headers()
        moved = headers.get("location") if status in (301, 302, 303, 307, 308) else []
        if not moved:
            body, trailers = Response.consume_body(answer, _done())
            return Upstream(status, headers, body, trailers)
        url = urljoin(url, moved[0].decode("latin-1"))
    raise Slow("it has moved too often")


def _request(url: str, seconds: float) -> Request:
    if seconds <= 0:
        raise Slow("it took too long")
    parts, options = urlsplit(url), RequestOptions()
    half = int(seconds / 2 * 1e9)
    options.set_connect_timeout(half)
    options.set_first_byte_timeout(half)
    options.set_between_bytes_timeout(half)
    request, _ = Request.new(Fields(), None, _no_trailers(), options)
    request.set_scheme(Scheme_Https() if parts.scheme == "https" else Scheme_Http())
    request.set_authority(parts.netloc)
    request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    return request


def answer(status: int, headers: dict[str, str], body: bytes) -> Response:
    """An answer that is there already."""
    to, body_stream = wit_world.byte_stream()
    spawn(_write(to, body))
    return _response(status, headers, body_stream, _no_trailers())


def passed(upstream: Upstream, headers: dict[str, str]) -> Response:
    """An answer that goes through: what has been read, then what still comes. If that breaks off, so does this."""
    to, body = wit_world.byte_stream()
    spawn(_write(to, upstream.begin, upstream.body))
    return _response(upstream.status, headers, body, upstream.trailers)


async def _write(to: ByteStreamWriter, begin: bytes, rest: ByteStreamReader | None = None) -> None:
    with to:
        await to.write_all(begin)
        while rest is not None and not rest.writer_dropped and not to.reader_dropped:
            await to.write_all(await rest.read(CHUNK_BYTES))


def _response(status: int, headers: dict[str, str], body: ByteStreamReader, trailers: FutureReader) -> Response:
    fields = Fields.from_list([(name, value.encode("latin-1")) for name, value in headers.items()])
    response, _ = Response.new(fields, body, trailers)
    response.set_status_code(status)
    return response


def _no_trailers() -> FutureReader:
    return wit_world.result_option_types_fields_types_error_code_future(lambda: Ok(None))[1]


def _done() -> FutureReader:
    return wit_world.result_unit_types_error_code_future(lambda: Ok(None))[1]
