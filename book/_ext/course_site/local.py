"""The site served on this machine, its Python too: for tests and for measuring."""

import contextlib
import functools
import http.server
import pathlib
import shutil
import tempfile
import threading

from course_site.lock import point_at


class Handler(http.server.SimpleHTTPRequestHandler):
    """The files of a folder, some of its own folders taken from elsewhere, without a line for each request."""

    def __init__(self, *args, folders, **options):
        self.folders = folders
        super().__init__(*args, **options)

    def translate_path(self, path):
        """The file that is meant."""
        for start, folder in self.folders.items():
            if path.startswith(start):
                return str(pathlib.Path(folder, path.removeprefix(start).split("?")[0]))
        return super().translate_path(path)

    def log_message(self, *args):
        """Say nothing."""


@contextlib.contextmanager
def serving(site, pyodide=None):
    """Serve the folder `site` and give its address; with `pyodide`, a folder, its pages take Python from there."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {}
        if pyodide:
            edited = pathlib.Path(scratch, "live")
            shutil.copytree(site / "live", edited)
            point_at(edited, "/pyodide/", pyodide)
            folders = {"/live/": edited, "/pyodide/": pyodide}
        handler = functools.partial(Handler, folders=folders, directory=str(site))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()
