"""Serves a contract to a lattice with JSON, as any NATS process may: nothing of Lath is needed here.

    counters.py SERVER LATTICE APPLICATION PROVIDER [--creds FILE]

It answers `lath:keyvalue/counter`, the store of examples/kvcounter, from memory, and announces itself once a second;
docs/OUTSIDERS.md has the subjects and headers. SIGTERM ends it: hosts hear that it leaves, and what has begun is finished.
"""

import argparse
import asyncio
import json
import os
import signal

import nats

COUNTERS = {}


def answer(method, params):
    """The result of a function, as docs/JSON.md writes it."""
    if method != "increment":
        raise LookupError(method)
    after = COUNTERS.get(params["key"], 0) + params["value"]
    if not -(2**31) <= after < 2**31:
        return {"err": {"invalid-parameter": f"counter {params['key']} would leave 32 bits"}}
    COUNTERS[params["key"]] = after
    return {"ok": after}


async def serve(given):
    options = {"user_credentials": given.creds} if given.creds else {}
    connection = await nats.connect(given.server, **options)
    instance = f"process-{os.getpid()}"
    root = f"lath.{given.lattice}"

    async def on_call(message):
        method = message.headers["lath-method"]
        headers = None
        try:
            text = json.dumps(answer(method, json.loads(message.data)))
        except (LookupError, TypeError, ValueError) as error:
            headers, text = {"lath-error": "rpc", "lath-progress": "not-started"}, f"{method}: {error!r}"
        await connection.publish(message.reply, text.encode(), headers=headers)

    await connection.subscribe(f"{root}.ext.{given.application}.{given.provider}.{instance}.*", cb=on_call)
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)

    async def announce(**more):
        here = {"contracts": ["lath:keyvalue/counter@0.1.0"], "wire": "json", **more}
        beat = f"{root}.extbeat.{given.application}.{given.provider}.{instance}"
        await connection.publish(beat, json.dumps(here).encode())
        await connection.flush()

    while not stopped.is_set():
        await announce()
        try:
            await asyncio.wait_for(stopped.wait(), timeout=1)
        except asyncio.TimeoutError:
            pass
    await announce(leaving=True)
    await connection.drain()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("lattice")
    parser.add_argument("application")
    parser.add_argument("provider")
    parser.add_argument("--creds")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
