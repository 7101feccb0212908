r"""The book's macros written out, for notebooks that do not know them."""

import pytest
from course_site.tex import expand

MACROS = {"vf": [r"\class{role-forget}{f_{#1}}", 1], "half": r"\tfrac12", "pair": ["(#1, #2)", 2], "v": ["v_{#1}", 1]}


@pytest.mark.parametrize(
    ("tex", "wanted"),
    [
        (r"\vf{t}", r"f_{t}"),
        (r"\vf{t-1} \odot \vf{}", r"f_{t-1} \odot f_{}"),
        (r"\pair{\vf{1}}{\frac{a}{b}}", r"(f_{1}, \frac{a}{b})"),
        (r"\class{role-cell}{c_t}", r"c_t"),
        (r"2\half x", r"2\tfrac12 x"),
        (r"\halfway \v{a}", r"\halfway v_{a}"),
        (r"\vf t", r"f_{t}"),
        (r"\pair{\{a\}}{b}", r"(\{a\}, b)"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", r"\begin{aligned} a &= b \\ c &= d \end{aligned}"),
    ],
)
def test_macros_are_written_out(tex, wanted):
    """Arguments, nesting, names that begin alike, and everything else left as it is."""
    assert expand(tex, MACROS) == wanted


def test_a_macro_without_its_closing_brace_is_an_error():
    """A slip in a chapter must stop the build rather than garble an equation."""
    with pytest.raises(ValueError, match="closing brace"):
        expand(r"\vf{t", MACROS)
