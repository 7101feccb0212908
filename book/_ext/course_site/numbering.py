"""Chapters are numbered as their files are: 07-lstm is chapter 7 on the page, in its title and in the sidebar.

Sphinx numbers the entries of a table of contents by counting them, part by part. Here the number is a part of the
file's name, so a link that says "chapter 7" stays true, whatever stands before it. Equations then count within their
chapter, (7.3), because Sphinx takes the chapter's number for the first part of theirs, and so do live figures.
"""

import itertools
import re

from docutils import nodes
from sphinx.environment.collectors.toctree import TocTreeCollector


def chapter_number(docname):
    """The number of a chapter from its file's name ("07-lstm" is 7), None for any other page."""
    found = re.match(r"(\d\d)-", docname)
    return int(found[1]) if found else None


def assign(collector, env):
    """Give each chapter its number in the environment; returns the pages whose number changed, as Sphinx wants."""
    old, env.toc_secnumbers = env.toc_secnumbers, {}
    for docname, toc in env.tocs.items():
        number = chapter_number(docname)
        if number is None:
            continue
        # Only the title carries a number: its anchor is "", and None says that a section has none.
        numbers = {}
        for reference in toc.findall(nodes.reference):
            anchor = reference["anchorname"]
            numbers[anchor] = reference["secnumber"] = None if anchor else (number,)
        env.titles[docname]["secnumber"] = (number,)
        env.toc_secnumbers[docname] = numbers
    return [name for name, numbers in env.toc_secnumbers.items() if numbers != old.get(name)]


def number_figures(body, number):
    """A chapter's HTML with data-number="7.2" at its second live figure, which the figure shows before its title."""
    count = itertools.count(1)
    return re.sub(
        r'<div class="course-explorer"(?=[ >])', lambda found: f'{found[0]} data-number="{number}.{next(count)}"', body
    )


def _number_figures(app, pagename, templatename, context, doctree):
    number = chapter_number(pagename)
    if number is not None and "body" in context:
        context["body"] = number_figures(context["body"], number)


def connect(app):
    """Take the place of Sphinx's own counting before a page is read, and count figures when it is written."""
    TocTreeCollector.assign_section_numbers = assign
    app.connect("html-page-context", _number_figures)
