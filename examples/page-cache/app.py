"""Fetches a page for whoever asks, and keeps it for a while: `/?url=https://example.com/`."""

import time
from urllib.parse import parse_qs, urldefrag, urlsplit

import pages
import web
from componentize_py_types import Err
from pages import Page
from wit_world import exports
from wit_world.imports import wasi_config_store as config
from wit_world.imports import types

URL_BYTES_MAX = 2048


class Refusal(Exception):
    """What is wrong with a request: a status, a text, and perhaps headers."""


class Handler(exports.Handler):
    async def handle(self, request: types.Request) -> types.Response:
        try:
            return await respond(wanted(request))
        except Refusal as refusal:
            status, text, *more = refusal.args
            headers = {"content-type": "text/plain; charset=utf-8"} | dict(*more)
            return web.answer(status, headers, f"{text}\n".encode())


async def respond(url: str) -> types.Response:
    page = found(url)
    if page and page.age() < max_age():
        return served(page, "hit")
    try:
        upstream = await web.fetch(url)
        # A server in trouble is no better than none.
        if upstream.status >= 500 and page:
            return served(page, "stale")
        body = await upstream.read(pages.BODY_BYTES_MAX) if is_to_keep(upstream) else None
    except (Err, web.Slow) as error:
        return stale(url, page, error)
    content_type = upstream.header("content-type") or "application/octet-stream"
    if body is None:
        return web.passed(upstream, {"content-type": content_type, "x-cache": "pass"})
    page = Page(content_type, body, time.time())
    return served(page, "miss" if kept(page, url) else "pass")


def stale(url: str, page: Page | None, error: Exception) -> types.Response:
    """The page as it was, where its server does not answer. Not where nobody may ask it any more."""
    why = error.value if isinstance(error, Err) else error
    if isinstance(why, types.ErrorCode_HttpRequestDenied):
        raise Refusal(403, f"no grant leads where {url} does: add its origin to grants.http in the manifest")
    if page:
        return served(page, "stale")
    raise Refusal(502, f"{url} does not answer: {why}")


def served(page: Page, how: str) -> types.Response:
    return web.answer(200, {"content-type": page.content_type, "x-cache": how, "age": str(page.age())}, page.body)


def is_to_keep(upstream: web.Upstream) -> bool:
    forbidden = {"no-store", "private"}
    said = {word.strip().lower() for word in upstream.header("cache-control").split(",")}
    return upstream.status == 200 and not said & forbidden


def found(url: str) -> Page | None:
    """A store that is away makes this slow, and does not stop it."""
    try:
        return Page.find(url)
    except Err as error:
        print(f"a page is not read from the store: {error.value}")
        return None


def kept(page: Page, url: str) -> bool:
    try:
        page.keep(url)
        return True
    except Err as error:
        print(f"a page is not kept in the store: {error.value}")
        return False


def max_age() -> int:
    """In seconds."""
    return int(config.get("max-age") or 60)


def wanted(request: types.Request) -> str:
    """The URL that the query names."""
    if not isinstance(request.get_method(), (types.Method_Get, types.Method_Head)):
        raise Refusal(405, "this takes GET", {"allow": "GET"})
    query = urlsplit(request.get_path_with_query() or "/").query
    url = urldefrag(parse_qs(query).get("url", [""])[0]).url
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        is_good = False
    if not is_good or not url.isascii() or not url.isprintable() or " " in url:
        raise Refusal(400, "say which page: /?url=https://example.com/")
    if len(url) > URL_BYTES_MAX:
        raise Refusal(414, f"a URL has {URL_BYTES_MAX} bytes at most")
    return url
