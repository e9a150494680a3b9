"""Knows the sales tax of a few countries. Plain business logic: no platform code."""

from typing import List

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.rates import (
    Assessment,
    BadItem,
    Flaw,
    Item,
    Line,
    Rate,
    Rate_Exempt,
    Rate_Reduced,
    Rate_Standard,
    TaxError_BadItem,
    TaxError_UnknownCountry,
)

# Reduced and standard rate in hundredths of a percent.
COUNTRIES = {"at": (1000, 2000), "de": (700, 1900), "fr": (550, 2000), "lu": (300, 1700)}
EXEMPT = {"stamp"}
REDUCED = {"book", "bread", "milk"}
# A line above this is a mistake: ten million, in cents.
MOST_CENTS = 1_000_000_000


class Rates(exports.Rates):
    def assess(self, country: str, items: List[Item]) -> Assessment:
        if country not in COUNTRIES:
            raise Err(TaxError_UnknownCountry(country))
        lines = [line_of(country, item) for item in items]
        net = sum(line.net_cents for line in lines)
        tax = sum(line.tax_cents for line in lines)
        return Assessment(lines=lines, net_cents=net, tax_cents=tax, total_cents=net + tax)

    def countries(self) -> List[str]:
        return sorted(COUNTRIES)


def line_of(country: str, item: Item) -> Line:
    flaw = flaw_of(item)
    if flaw is not None:
        raise Err(TaxError_BadItem(BadItem(item=item, flaw=flaw)))
    net = item.quantity * item.price_cents
    rate = rate_of(country, item.name)
    return Line(item=item, rate=rate, net_cents=net, tax_cents=tax_of(net, rate))


def flaw_of(item: Item) -> Flaw | None:
    if not item.name:
        return Flaw.NO_NAME
    if item.quantity == 0:
        return Flaw.NO_QUANTITY
    if item.quantity * item.price_cents > MOST_CENTS:
        return Flaw.TOO_EXPENSIVE
    return None


def rate_of(country: str, name: str) -> Rate:
    reduced, standard = COUNTRIES[country]
    if name in EXEMPT:
        return Rate_Exempt()
    return Rate_Reduced(reduced) if name in REDUCED else Rate_Standard(standard)


def tax_of(net: int, rate: Rate) -> int:
    """Rounded half up, to a cent."""
    return 0 if isinstance(rate, Rate_Exempt) else (net * rate.value + 5_000) // 10_000
