"""What the cells of an assignment call: checks that explain what went wrong.

A check cell makes one `Report` for one function. It says what must come out, term by term, and ends with
`report.score()`, which prints what to think about next and returns the points earned, as nbgrader's partial
credit wants them. Points are given by named part, and only a check on a part can lose it: a wrong shape costs
"shape", a changed input or a lost float32 costs "care", and the numbers are compared all the same. Nothing that
the student's function does (an exception, a print, a warning) stops a check.

NumPy is all that this package needs. It is what a student's notebook imports, so no solution may stand in it.
"""

from course_pkg.checks.compare import close
from course_pkg.checks.report import SEED_VARIABLE, Report, WrongVersion, generator

__all__ = ["SEED_VARIABLE", "Report", "WrongVersion", "close", "generator"]
