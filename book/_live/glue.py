"""Between the page and the IPython shell of pyodide_kernel.

What JupyterLite's kernel does in JavaScript is done here: outputs and widget messages go to the page as
Jupyter messages, each with the id of the cell, or of the widget's message, that caused it.
"""

import contextlib
import json
import re
import time
import warnings

import js
import limits
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
# Packages that a cell needs without importing them itself, by what then stands in its code.
BEHIND = {r"course_pkg[\s\S]*\bplots\b": "matplotlib", r"run_line_magic\('(matplotlib|pylab)'": "matplotlib"}


class Text:
    """What is printed, sent in pieces: a message for each print would keep the page from answering."""

    def __init__(self):
        self.name, self.pieces, self.sent, self.left = "", [], 0.0, limits.MOST

    def write(self, name, text):
        """Keep `text` of the stream `name`, and send what there is when it is time."""
        if self.left <= 0:
            return
        if name != self.name:
            self.flush()
        self.name = name
        self.pieces.append(limits.cut(text, self.left))
        self.left -= len(text)
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


class Shown:
    """Sends outputs to the page, as many as it can bear."""

    def __init__(self):
        self.left = limits.OUTPUTS

    def send(self, kind, data, metadata, **more):
        """One output. Those after the last that the page can bear are left out, and it says so."""
        self.left -= 1
        if self.left > 0:
            _now(kind)({"data": limits.shorten(data), "metadata": metadata or {}, **more})
        elif self.left == 0:
            _now("stream")({"name": "stdout", "text": f"… more than {limits.OUTPUTS} outputs; the rest is left out.\n"})


SHOWN = Shown()


def _set_parent(message):
    KERNEL._parent_header = {"header": {"msg_id": message}}
    TEXT.left, SHOWN.left = limits.MOST, limits.OUTPUTS


def _traceback(etype, evalue, lines):
    # At once, so that an Output widget that is open receives it like any other output.
    said = limits.cut(str(evalue))
    _now("error")({"ename": etype.__name__, "evalue": said, "traceback": [limits.cut(line) for line in lines]})


def connect():
    """Let the shell publish to the page."""
    for stream in (pyodide_kernel.stdout_stream, pyodide_kernel.stderr_stream):
        stream.publish_stream_callback = TEXT.write
    update, shown = _now("update_display_data"), SHELL.display_pub
    shown.display_data_callback = lambda data, metadata, transient: SHOWN.send(
        "display_data", data, metadata, transient=transient or {}
    )
    shown.update_display_data_callback = lambda data, metadata, transient: update(
        {"data": limits.shorten(data), "metadata": metadata or {}, "transient": transient or {}}
    )
    shown.clear_output_callback = lambda wait: _now("clear_output")({"wait": bool(wait)})
    SHELL.displayhook.publish_execution_result = lambda count, data, metadata: SHOWN.send(
        "execute_result", data, metadata, execution_count=count
    )
    SHELL.send_comm = lambda kind, content, metadata, topic, buffers: _now(kind)(content, metadata, buffers)
    SHELL._showtraceback = _traceback
    pyodide_kernel.kernel._load_packages_from_imports = _load
    SHELL.Completer.use_jedi = False
    SHELL.run_line_magic("colors", "linux")
    limits.say(SHELL, KERNEL)
    _set_parent("")


def _loading(text):
    if text.startswith("Loading "):
        publish("loading", {"text": text})


async def _load(code):
    """Load what a cell's code imports. Raises NotHere with the names of what did not come."""
    failed = []
    options = {"messageCallback": _loading, "errorCallback": failed.append}
    for sign, package in BEHIND.items():
        if re.search(sign, code):
            await loadPackage(package, **options)
    await loadPackagesFromImports(code, **options)
    if failed:
        names = sorted({found[1] for text in failed if (found := re.search(r"while loading ([\w.-]+):", text))})
        more = f" and {len(names) - 3} more packages" if len(names) > 3 else ""
        raise limits.NotHere(
            f"{', '.join(names[:3]) or 'A package'}{more} could not be fetched: the network is away or blocks the "
            "address. Run the cell again when it is back."
        )


def plan(sources):
    """What can run of each of the page's cells, see `torchless`; lists as JSON, in and out."""
    return json.dumps(torchless.split(json.loads(sources)))


def warm():
    """Import what nearly every cell needs, and let tqdm do without a thread, which a browser does not have."""
    with contextlib.suppress(ImportError):
        import tqdm

        tqdm.tqdm.monitor_interval = 0
    with contextlib.suppress(ImportError):
        import numpy  # noqa: F401


async def run(code, cell):
    """Run a cell's code; outputs carry the id `cell`. Returns whether it ended without an error."""
    _set_parent(cell)
    SHELL.last_execution_succeeded = False
    try:
        await KERNEL.run(code)
    except Exception:  # before the shell had the code
        SHELL.showtraceback()
    finally:
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
