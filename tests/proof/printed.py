"""Equations as a chapter prints them, read from its own source and computed on the Numbers of `algebra`.

Read are vectors, matrices and what the chapters do with them: sums, `\\odot` and powers entry by entry, a matrix
times a vector, a vector times a transposed one, sigma and tanh. A name is what stands there without its dress:
`\\mathrm{d}\\vh{t-1}` is "dh_{t-1}", `W_{ih}^{\\mathsf T}` is "W_{ih}" transposed.
"""

import re
from pathlib import Path

from course_pkg.activations import sigmoid, tanh

BOOK = Path(__file__).resolve().parents[2] / "book"
DRESS = r"\\(?:left|right|big|textstyle|qquad|quad|,|;)|\{\}|&"
TOKEN = re.compile(
    r"""\s*(?:
    (?P<function>\\tanh|\\sigma(?!')|\\varphi'?)
    |(?P<name>(?:\\mathrm\{d\})?(?:\\v[a-z]\{[^}]*\}|\\sigma'_[a-z]|\\frac\{[^=]*?\}\{[^}]*\{t\}\}
        |[A-Za-z]+(?:_(?:\{[^}]*\}|[A-Za-z]))?))
    |(?P<number>\d+)
    |(?P<transposed>\^\{\\mathsf\ T\})
    |\^(?P<power>\d)
    |(?P<sum>\\sum_t)
    |(?P<sign>\\odot|\\cdot|[-+()])
    )""",
    re.VERBOSE,
)


def equations(page, label):
    """[(name, how it is set ("=" or "+="), right side)] of the equation `label` on a page, in reading order."""
    source = (BOOK / page).read_text(encoding="utf-8")
    block = re.search(rf"\$\$\n((?:(?!\$\$).)*?)\n\$\$ \({label}\)", source, re.DOTALL)
    if block is None:
        raise ValueError(f"label: got {label}, which no equation of {page} has")
    return split(block[1])


def split(tex):
    """As `equations`, from the equation's own text."""
    tex = re.sub(r"\\(begin|end)\{aligned\}", "", tex).replace("\\mathrel{+}=", "⊕").replace("\\leftarrow", "=")
    found = []
    for part in re.split(r"\\\\|(?<!=)&(?![=⊕])", tex.replace("={}&", "=").replace("&=", "=").replace("&⊕", "⊕")):
        part = re.sub(DRESS, " ", part).strip()
        if not part:
            continue
        if match := re.match(r"(.*?)([=⊕])(.*)", part, re.DOTALL):
            found.append([match[1].strip(), "+=" if match[2] == "⊕" else "=", match[3].strip()])
        else:  # a line that goes on
            found[-1][2] += " " + part
    return [(bare(name), how, right) for name, how, right in found]


def bare(name):
    """A name without its dress."""
    name = re.sub(r"\\v([a-z])\{([^}]*)\}", r"\1_{\2}", name.replace("\\mathrm{d}", "d"))
    return re.sub(r"_([A-Za-z])$", r"_{\1}", name.strip())


class Reader:
    """One right side, computed as it is read."""

    def __init__(self, tex, names, functions=()):
        self.names, self.functions = names, {"\\sigma": sigmoid, "\\tanh": tanh} | dict(functions)
        self.tokens, at = [], 0
        tex = tex.strip()
        while at < len(tex):
            match = TOKEN.match(tex, at)
            if match is None or match.end() == at:
                raise ValueError(f"equation: got {tex[at : at + 20]!r}, which is not read here")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self.tokens.append(("end", ""))

    def take(self, *wanted):
        """The next token's text if it is one of `wanted` (texts, or kinds), else None."""
        kind, text = self.tokens[0]
        if text in wanted or kind in wanted:
            return self.tokens.pop(0)[1]
        return None

    def value(self):
        """The whole right side."""
        self.take("sum")  # the caller adds over the steps
        found = self.sum()
        if self.tokens[0][0] != "end":
            raise ValueError(f"equation: got {self.tokens[0][1]!r} where a sign or the end was wanted")
        return found

    def sum(self):
        negative = self.take("+", "-") == "-"
        found = self.product()
        found = -found if negative else found
        while sign := self.take("+", "-"):
            term = self.product()
            found = found + term if sign == "+" else found - term
        return found

    def product(self):
        found = self.factor()
        while True:
            kind, text = self.tokens[0]
            if self.take("\\odot", "\\cdot") or kind in ("name", "number", "function") or text == "(":
                other = self.factor()
                if getattr(found, "ndim", 0) == 2 and getattr(other, "ndim", 0) == 1:
                    found = found @ other
                elif getattr(other, "ndim", 0) == 2 and getattr(found, "ndim", 0) == 1:
                    found = found[:, None] * other  # a vector times a transposed one
                else:
                    found = found * other
            else:
                return found

    def factor(self):
        if function := self.take("function"):
            power = self.take("power")
            found = self.functions[function](self.factor())
            return found ** int(power) if power else found
        if number := self.take("number"):
            found = int(number)
        elif self.take("("):
            found = self.sum()
            if not self.take(")"):
                raise ValueError("equation: a bracket is not closed")
        else:
            name = self.take("name")
            if name is None or bare(name) not in self.names:
                raise ValueError(f"equation: got {self.tokens[0][1] if name is None else bare(name)!r}, not known here")
            found = self.names[bare(name)]
        if self.take("transposed"):
            found = found.T if found.ndim == 2 else found[None]
        if power := self.take("power"):
            found = found ** int(power)
        return found


def compute(page, labels, names, functions=()):
    """Compute the equations `labels` one after the other into `names`, which it returns. "+=" counts from 0."""
    for label in labels:
        for name, _, right in equations(page, label):
            names[name] = Reader(right, names, functions).value()
    return names
