r"""Equations for readers without the book's macros: `\vf{t}` becomes `f_{t}`."""

import re


def _argument(tex, at):
    """The braced argument that starts at `tex[at]`, and where it ends; a bare token counts as one."""
    while at < len(tex) and tex[at] == " ":
        at += 1
    if tex[at : at + 1] != "{":
        token = re.compile(r"\\[A-Za-z]+|\\.|.|$").match(tex, at)
        return token.group(), token.end()
    depth = 0
    for end in range(at, len(tex)):
        depth += {"{": 1, "}": -1}.get(tex[end], 0) if tex[end - 1] != "\\" else 0
        if depth == 0:
            return tex[at + 1 : end], end + 1
    raise ValueError(f"tex: got {tex!r}, wanted a closing brace")


def expand(tex, macros):
    r"""Replace the macros of MathJax's configuration, {name: [body, number of arguments]}, and drop `\class`."""
    known = {"class": ["#2", 2], **{k: v if isinstance(v, list) else [v, 0] for k, v in macros.items()}}
    call = re.compile(r"\\(" + "|".join(sorted(known, key=len, reverse=True)) + r")(?![A-Za-z])")
    while found := call.search(tex):
        body, count = known[found.group(1)]
        at = found.end()
        for number in range(1, count + 1):
            argument, at = _argument(tex, at)
            body = body.replace(f"#{number}", argument)
        gap = " " if re.search(r"\\[A-Za-z]+$", body) and tex[at : at + 1].isalpha() else ""
        tex = tex[: found.start()] + body + gap + tex[at:]
    return tex
