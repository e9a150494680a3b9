"""Pages in a key-value store: a line of JSON that says what and when, then the body as it came."""

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Self

from wit_world.imports import wasi_keyvalue_store as store

# What a store takes, less the line before the body.
BODY_BYTES_MAX = 900_000


@dataclass
class Page:
    content_type: str
    body: bytes
    # Seconds since 1970.
    fetched: float

    @classmethod
    def find(cls, url: str) -> Self | None:
        with store.open("default") as bucket:
            value = bucket.get(_key(url))
        if value is None:
            return None
        head, _, body = value.partition(b"\n")
        head = json.loads(head)
        return cls(head["content_type"], body, head["fetched"])

    def keep(self, url: str) -> None:
        head = {"url": url, "content_type": self.content_type, "fetched": self.fetched}
        with store.open("default") as bucket:
            bucket.set(_key(url), json.dumps(head).encode() + b"\n" + self.body)

    def age(self) -> int:
        """In whole seconds; hosts whose clocks differ do not make it negative."""
        return max(0, int(time.time() - self.fetched))


def _key(url: str) -> str:
    """A URL may be longer than a key."""
    return "page/" + hashlib.sha256(url.encode()).hexdigest()
