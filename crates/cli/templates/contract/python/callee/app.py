"""Answers the contract: plain functions, wherever the calls come from."""

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.greeter import GreetingError_Nobody


class Greeter(exports.Greeter):
    def greet(self, name: str) -> str:
        if not name.strip():
            raise Err(GreetingError_Nobody())
        return f"Hello, {name.strip()}!"
