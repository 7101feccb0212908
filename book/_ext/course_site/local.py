"""The site served on this machine, its Python too: for tests and for measuring."""

import contextlib
import functools
import http.server
import pathlib
import shutil
import tempfile
import threading

from course_site import lite, lock


class Handler(http.server.SimpleHTTPRequestHandler):
    """The files of a folder, some of its own folders taken from elsewhere, without a line for each request."""

    def __init__(self, *args, folders, **options):
        self.folders = folders
        super().__init__(*args, **options)

    def translate_path(self, path):
        """The file that is meant."""
        for start, folder in self.folders.items():
            if path.startswith(start):
                return str(pathlib.Path(folder, path.split("?")[0].removeprefix(start)))
        return super().translate_path(path)

    def log_message(self, *args):
        """Say nothing."""


@contextlib.contextmanager
def serving(site, pyodide=None):
    """Serve the folder `site` and give its address; with `pyodide`, a folder, Python comes from there."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = {}
        if pyodide:
            edited = pathlib.Path(scratch, "live")
            shutil.copytree(site / "live", edited)
            lock.point_at(edited, "/pyodide/", pyodide)
            folders = {"/live/": edited, "/pyodide/": pyodide}
            if (site / "lite").is_dir():
                shutil.copy(site / "lite" / lite.CONFIG, scratch)
                lite.point_at(pathlib.Path(scratch), "/pyodide/")
                folders[f"/lite/{lite.CONFIG}"] = pathlib.Path(scratch, lite.CONFIG)
        handler = functools.partial(Handler, folders=folders, directory=str(site))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()
