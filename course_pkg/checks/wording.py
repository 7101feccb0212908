"""The words of a report: what holds and what does not, what it is about, and what to think about next."""

from course_pkg.checks.text import TEXT


def lines(report, lost, earned):
    """The report's lines."""
    tested = [part for part in report.parts if part in report._tested]
    good = [part for part in tested if part not in lost]
    told = {"name": report.name, "earned": earned, "points": sum(report.parts.values())}
    if report._right:
        made = [TEXT["head"].format(**told)]
    elif len(good) == len(tested):
        return [TEXT["done visible"].format(name=report.name, tested=len(tested))]
    else:
        made = [TEXT["head visible"].format(good=len(good), tested=len(tested), **told)]
    if report._stopped:
        return [*made[: bool(report._right)], report._stopped]
    made += [TEXT["unsure"].format(name=report.name, inner=inner) for inner in report.unsure]
    first = report.first_lost()
    if not report._answered:
        return made + (_reason(report, first) if first else [])
    asked = {report.failures[first][1]} if first else set()
    for part in report.parts:
        label = report._care if part == "care" else part
        made.append(TEXT["no" if part in lost else "ok" if part in tested else "later"].format(part=label))
        made[-1] += owed(report.owed.get(part))
        if part == first:
            made += _reason(report, part)
        elif part in report.failures and (think := report.failures[part][1]) not in asked:
            asked.add(think)
            made.append("      " + TEXT["think"].format(think=think))
    return made


def owed(helpers):
    """What is said behind a part that is right but for slips in these functions; "" where there are none."""
    if not helpers:
        return ""
    return TEXT["owed" if len(helpers) == 1 else "owed several"].format(helpers=TEXT["and"].join(helpers))


def _reason(report, part):
    """What the loss of `part` is about, what to think about, and the diagnoses if there are any."""
    message, think = report.failures[part]
    made = ["      " + message.replace("\n", "\n      "), "  " + TEXT["think"].format(think=think)]
    return made + ["  " + TEXT["diagnosis"].format(message=message) for message in report.diagnoses]


def one_of(sentences):
    """One sentence for mistakes that cannot be told apart."""
    return TEXT["or"].join(sentences)
