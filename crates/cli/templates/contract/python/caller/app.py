"""Calls the contract as any function. Where it is answered, and in which language, the manifest says."""

from typing import List

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import greeter
from wit_world.imports.greeter import GreetingError_Nobody


class Desk(exports.Desk):
    def welcome(self, guests: List[str]) -> List[str]:
        return [line(guest) for guest in guests]


def line(guest: str) -> str:
    try:
        return greeter.greet(guest)
    except Err as error:
        if isinstance(error.value, GreetingError_Nobody):
            return "Who is there?"
        return f"No greeting: {error.value.value}"
