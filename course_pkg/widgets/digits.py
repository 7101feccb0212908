"""Numbers as the page prints them: the rules of marks.js in Python, to the last digit.

JavaScript rounds the exact value of a double, and half of a last digit away from zero; Python's own formats
round such a half to even. `decimal` does as JavaScript does.
"""

import decimal
import functools
import math

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@functools.cache
def _context(digits):
    return decimal.Context(prec=digits, rounding=decimal.ROUND_HALF_UP, Emax=999, Emin=-999)


_EXACT = decimal.Context(prec=800, rounding=decimal.ROUND_HALF_UP)


def significant(v, digits=3):
    """v to so many significant digits, as `format` in marks.js writes it; a dash where v is not finite."""
    if not math.isfinite(v):
        return "–"
    if v == 0:
        return "0"
    sign, size = "−" if v < 0 else "", abs(v)
    if size >= 1e6 or size < 1e-3:
        rounded = _context(max(1, digits - 1)).create_decimal_from_float(size)
        digit, exponent = f"{rounded:.{max(0, digits - 2)}e}".split("e")
        return f"{sign}{digit} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    if size >= 1000:
        return f"{sign}{math.floor(size + 0.5):,}"
    rounded = f"{_context(digits).create_decimal_from_float(size):f}"
    return sign + (rounded.rstrip("0").rstrip(".") if "." in rounded else rounded)


def fixed(v, decimals):
    """v with so many decimals, as `fixed` in marks.js writes it; nothing where v is not finite."""
    if not math.isfinite(v):
        return ""
    rounded = decimal.Decimal(v).quantize(decimal.Decimal(1).scaleb(-decimals), context=_EXACT)
    return f"{abs(rounded) if rounded == 0 else rounded:f}".replace("-", "−")
