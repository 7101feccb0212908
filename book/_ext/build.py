"""Build the site into _build/html: what `nox -s book` and the tests call.

Exit status 1 when Sphinx warns of anything.
"""

import os
import sys

from course_site.execution import ROOT
from jupyter_book.cli.main import main

if __name__ == "__main__":
    os.chdir(ROOT)
    # The configuration is at the root, the table of contents in book/: only this form finds both.
    main(["build", "book", "--config", "_config.yml", "--path-output", ".", "-W", "-n", "--keep-going", *sys.argv[1:]])
