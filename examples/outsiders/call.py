"""Calls an actor of a lattice with JSON, as any NATS client may: nothing of Lath is needed here.

    call.py SERVER SUBJECT FUNCTION [JSON] [--creds FILE]

SUBJECT is lath.LATTICE.in.APPLICATION.ACTOR.CLIENT; docs/OUTSIDERS.md has the headers. Prints the result, or exits with 1 and
says what failed.
"""

import argparse
import asyncio
import sys

import nats


async def call(server, subject, function, payload, creds):
    client = subject.rsplit(".", 1)[1]
    # A client waits in an inbox of its own, so that nobody else reads its answers.
    application = subject.split(".")[3]
    credentials = {"user_credentials": creds} if creds else {}
    connection = await nats.connect(server, inbox_prefix=f"_INBOX.client.{application}.{client}", **credentials)
    try:
        headers = {"lath-function": function, "lath-deadline": "5000"}
        return await connection.request(subject, payload.encode(), timeout=6, headers=headers)
    finally:
        await connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("subject")
    parser.add_argument("function")
    parser.add_argument("payload", nargs="?", default="")
    parser.add_argument("--creds")
    given = parser.parse_args()
    answer = asyncio.run(call(given.server, given.subject, given.function, given.payload, given.creds))
    error = (answer.headers or {}).get("lath-error")
    if error:
        sys.exit(f"{error}: {answer.data.decode()}")
    print(answer.data.decode())


if __name__ == "__main__":
    main()
