"""Chapters are numbered as their files are: 07-lstm is chapter 7 on the page, in its title and in the sidebar.

Sphinx numbers the entries of a table of contents by counting them, part by part. Here the number is a part of the
file's name, so a link that says "chapter 7" stays true, whatever stands before it. Equations then count within their
chapter, (7.3), because Sphinx takes the chapter's number for the first part of theirs.
"""

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


def connect(app):
    """Take the place of Sphinx's own counting before a page is read."""
    TocTreeCollector.assign_section_numbers = assign
