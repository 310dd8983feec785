from decimal import Decimal

from babel.numbers import format_currency


def total(apples: int) -> str:
    return format_currency(apples * Decimal("1.50"), "EUR", locale="en_IE")
