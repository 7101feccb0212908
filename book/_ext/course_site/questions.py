"""The page of mixed questions: drawn from the chapters' own questions when the site is built.

`mixed-questions` takes how many. A question stands once, in its chapter; here it is copied with its options, with
its links led back to the chapter that they meant. Each chapter gives about the same number, in an order that is
mixed but the same in every build.
"""

import random
import re
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from course_site.numbering import chapter_number

OPTION = re.compile(r"^:::\{dropdown\} (.*?)\n(.*?)^:::$", re.DOTALL | re.MULTILINE)
ORDER = 20  # the seed of the mixture


class Question(NamedTuple):
    """A question of a chapter as MyST text: (head, explanation) for each option, of which one begins with Right."""

    chapter: str
    text: str
    options: tuple


def questions(path):
    """The questions under "Check yourself" of a chapter, in order. Raises ValueError that names one out of order."""
    section = path.read_text(encoding="utf-8").partition("\n## Check yourself\n")[2].partition("\n## ")[0]
    found = []
    for block in re.split(r"^(?=\*\*\d+\. )", section, flags=re.MULTILINE)[1:]:
        text = re.sub(r"^\*\*\d+\. (.*)\*\*", r"**\1**", block[: block.index(":::{dropdown}")].strip(), flags=re.DOTALL)
        options = tuple((head, said.strip()) for head, said in OPTION.findall(block))
        right = [head for head, said in options if re.match(r"Right\b", said)]
        if len(right) != 1 or len(options) < 3:
            raise ValueError(f"{path.name}: got {len(right)} right of {len(options)} options, wanted 1 of 3: {text}")
        found.append(Question(path.stem, text, options))
    return found


def mixed(chapters, count):
    """`count` questions from lists of questions, one list a chapter, about as many from each. Raises ValueError."""
    rng = random.Random(ORDER)
    rounds = [rng.sample(each, len(each)) for each in chapters]
    drawn = []
    while len(drawn) < count and any(rounds):
        turn = [each.pop() for each in rng.sample(rounds, len(rounds)) if each]
        drawn += turn[: count - len(drawn)]
    if len(drawn) < count:
        raise ValueError(f"count: got {count}, wanted at most {len(drawn)}, all that the chapters have")
    return rng.sample(drawn, count)


def at_home(text, chapter):
    """MyST text of a chapter whose links within the page lead to that page."""
    return re.sub(r"\]\(#", f"]({chapter}.md#", text)


def as_text(number, question):
    """One question of the mixed page, in MyST."""
    parts = [at_home(f"**{number}. {question.text[2:]}", question.chapter)]
    for head, said in question.options:
        parts.append(at_home(f":::{{dropdown}} {head}\n{said}\n:::", question.chapter))
    called = f"chapter {chapter_number(question.chapter)}"
    return "\n\n".join([*parts, f"*From [{called}]({question.chapter}.md#check-yourself).*"])


class MixedQuestions(SphinxDirective):
    """```{mixed-questions} 40```"""

    required_arguments = 1

    def run(self):
        """The questions as nodes, and each chapter a file on which the page depends."""
        paths = sorted(Path(self.env.srcdir).glob("[0-9][0-9]-*.md"))
        paths = [path for path in paths if path.stem in self.env.found_docs]
        for path in paths:
            self.env.note_dependency(str(path))
        drawn = mixed([questions(path) for path in paths], int(self.arguments[0]))
        lines = "\n\n".join(as_text(k, question) for k, question in enumerate(drawn, 1)).splitlines()
        page = nodes.Element()
        self.state.nested_parse(StringList(lines, source=self.env.docname), self.content_offset, page)
        return page.children


def connect(app):
    """Make the directive known to Sphinx."""
    app.add_directive("mixed-questions", MixedQuestions)
