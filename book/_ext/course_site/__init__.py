"""The book's own Sphinx extension: what Jupyter Book does not do by itself.

`execution` runs the chapters with static figures and re-runs them when course_pkg changes, `assets`
lets the site serve every script, style and font itself, `numbering` numbers chapters as their files are,
`fonts` brings the typefaces, `notebooks` makes each chapter a notebook to download, `live` gives a page the button
that runs its cells, `runtime` lets Python run in the reader's browser, `launch` links to where a chapter can be run as
a notebook, `licences` names whose work the site ships, `cost` says what running a page costs, `pages` describes each
page, `reference` makes the reference of course_pkg from its docstrings, `proved` marks the equations that a test
proves, `questions` mixes the questions of all chapters, `cards` makes the review cards and their deck for Anki,
`quantities` lets one quantity light up in all places, `predictions` asks for a reader's prediction before a figure
moves, `publish` adds what search engines and link previews read, and `result` writes down how the build went.
"""


def setup(app):
    """Connect each part to Sphinx's events."""
    from course_site import (
        assets,
        cards,
        execution,
        fonts,
        launch,
        licences,
        live,
        notebooks,
        numbering,
        pages,
        predictions,
        proved,
        publish,
        quantities,
        questions,
        reference,
        result,
        runtime,
    )

    # Jupyter Book sets this value for an extension that is left out here.
    app.add_config_value("comments_config", {}, "html")
    parts = (execution, assets, numbering, reference, proved, live, fonts, notebooks, pages, runtime, licences, launch)
    for part in (*parts, questions, cards, quantities, predictions, publish, result):
        part.connect(app)
    return {"parallel_read_safe": False, "parallel_write_safe": True}
