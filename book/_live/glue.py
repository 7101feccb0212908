"""Between the page and the IPython shell of pyodide_kernel.

What JupyterLite's kernel does in JavaScript is done here: outputs and widget messages go to the page as
Jupyter messages, each with the id of the cell, or of the widget's message, that caused it.
"""

import contextlib
import json
import time
import warnings

import js
import torchless
from pyodide.ffi import to_js
from pyodide_js import loadPackage, loadPackagesFromImports

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyodide_kernel
    import pyodide_kernel.kernel
    from pyodide_kernel.jsonutil import json_clean

KERNEL, SHELL = pyodide_kernel.kernel_instance, pyodide_kernel.ipython_shell
EVERY = 0.05  # seconds between two pieces of text that go to the page
MOST = 200_000  # characters that one run may print: more would choke the page
# Packages that parts of course_pkg import; Pyodide sees only what a cell names itself.
BEHIND = {"plots": "matplotlib"}


class Text:
    """What is printed, sent in pieces: a message for each print would keep the page from answering."""

    def __init__(self):
        self.name, self.pieces, self.sent, self.left = "", [], 0.0, MOST

    def write(self, name, text):
        """Keep `text` of the stream `name`, and send what there is when it is time."""
        if self.left <= 0:
            return
        if name != self.name:
            self.flush()
        self.name = name
        self.left -= len(text)
        self.pieces.append(text if self.left > 0 else f"\n… more than {MOST} characters; the rest is left out.\n")
        if time.monotonic() - self.sent > EVERY:
            self.flush()

    def flush(self):
        """Send what was kept."""
        text = "".join(self.pieces)
        self.pieces.clear()
        self.sent = time.monotonic()
        if text:
            publish("stream", {"name": self.name, "text": text})


TEXT = Text()


def publish(kind, content, metadata=None, buffers=()):
    """Send one message to the page, as belonging to what is being run."""
    parent = KERNEL.get_parent()["header"]["msg_id"]
    message = {"type": kind, "parent": parent, "content": content, "metadata": metadata or {}}
    js.publish(json.dumps(message, default=str), to_js([bytes(b) for b in buffers or ()]))


def _now(kind):
    def send(content, metadata=None, buffers=()):
        TEXT.flush()
        publish(kind, json_clean(content), metadata, buffers)

    return send


def _set_parent(message):
    KERNEL._parent_header = {"header": {"msg_id": message}}
    TEXT.left = MOST


def _traceback(etype, evalue, lines):
    # At once, so that an Output widget that is open receives it like any other output.
    _now("error")({"ename": etype.__name__, "evalue": str(evalue), "traceback": list(lines)})


def connect():
    """Let the shell publish to the page."""
    for stream in (pyodide_kernel.stdout_stream, pyodide_kernel.stderr_stream):
        stream.publish_stream_callback = TEXT.write
    display, update, result = _now("display_data"), _now("update_display_data"), _now("execute_result")
    shown = SHELL.display_pub
    shown.display_data_callback = lambda data, metadata, transient: display(
        {"data": data, "metadata": metadata or {}, "transient": transient or {}}
    )
    shown.update_display_data_callback = lambda data, metadata, transient: update(
        {"data": data, "metadata": metadata or {}, "transient": transient or {}}
    )
    shown.clear_output_callback = lambda wait: _now("clear_output")({"wait": bool(wait)})
    SHELL.displayhook.publish_execution_result = lambda count, data, metadata: result(
        {"execution_count": count, "data": data, "metadata": metadata or {}}
    )
    SHELL.send_comm = lambda kind, content, metadata, topic, buffers: _now(kind)(content, metadata, buffers)
    SHELL._showtraceback = _traceback
    pyodide_kernel.kernel._load_packages_from_imports = _load
    SHELL.Completer.use_jedi = False
    SHELL.run_line_magic("colors", "linux")
    _set_parent("")


def _loading(text):
    if text.startswith("Loading "):
        publish("loading", {"text": text})


def _silent(text):
    """What could not be loaded shows when the cell imports it."""


async def _load(code):
    options = {"messageCallback": _loading, "errorCallback": _silent}
    for part, package in BEHIND.items():
        if "course_pkg" in code and part in code:
            await loadPackage(package, **options)
    await loadPackagesFromImports(code, **options)


def plan(sources):
    """What can run of each of the page's cells, see `torchless`; lists as JSON, in and out."""
    return json.dumps(torchless.split(json.loads(sources)))


def warm():
    """Import what nearly every cell needs."""
    with contextlib.suppress(ImportError):
        import numpy  # noqa: F401


async def run(code, cell):
    """Run a cell's code; outputs carry the id `cell`. Returns whether it ended without an error."""
    _set_parent(cell)
    SHELL.last_execution_succeeded = False
    await KERNEL.run(code)
    TEXT.flush()
    return SHELL.last_execution_succeeded


def widget_message(message, content, buffers):
    """Hand a widget's message, with the id `message`, from the page to its model."""
    _set_parent(message)
    data = {"content": json.loads(content), "buffers": [b.to_py() for b in buffers or ()], "metadata": {}}
    handle = KERNEL.comm_manager.comm_close if data["content"].get("closed") else KERNEL.comm_manager.comm_msg
    handle(None, None, data)
    TEXT.flush()


connect()
