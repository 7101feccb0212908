"""IPython without a network: runs cells and keeps their outputs, in bounds, as a notebook wants them."""

import ast
import contextlib
import io
import sys

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from course_pkg.checks.text import say

TEXT_LIMIT = 200_000  # characters that one cell may print
RICH_LIMIT = 8 << 20  # characters of pictures and the like in one cell
COUNT_LIMIT = 500


class Outputs:
    """The outputs of one cell, in order, each a dict in notebook format. What is too much is counted, not kept."""

    def __init__(self):
        self.kept, self._text, self._rich, self._cut = [], 0, 0, False

    def text(self, name, text):
        """Printed text."""
        room = TEXT_LIMIT - self._text
        self._text += len(text)
        if room <= 0:
            return
        text = text[:room] + (say("left out") if len(text) > room else "")
        if self.kept and self.kept[-1]["output_type"] == "stream" and self.kept[-1]["name"] == name:
            self.kept[-1]["text"] += text
        elif len(self.kept) < COUNT_LIMIT:
            self.kept.append({"output_type": "stream", "name": name, "text": text})

    def rich(self, kind, data, metadata, **more):
        """A display or a result."""
        data = {str(k): v if isinstance(v, (str, dict, list)) else str(v) for k, v in data.items()}
        self._rich += sum(len(v) if isinstance(v, str) else len(repr(v)) for v in data.values())
        if self._rich <= RICH_LIMIT and len(self.kept) < COUNT_LIMIT:
            self.kept.append({"output_type": kind, "data": data, "metadata": dict(metadata or {}), **more})

    def error(self, name, value, traceback):
        """An exception."""
        traceback = [str(line)[:4000] for line in traceback[:200]]
        self.kept.append(
            {"output_type": "error", "ename": str(name)[:200], "evalue": str(value)[:2000], "traceback": traceback}
        )


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of a cell."""

    encoding = "utf-8"

    def __init__(self, shell, name):
        self._shell, self.name = shell, name

    def writable(self):
        """Yes."""
        return True

    def write(self, text):
        """Keep the text with the outputs of the cell that runs."""
        if not isinstance(text, str):
            raise TypeError(say("not str", kind=type(text).__name__))
        self._shell.outputs.text(self.name, text)
        return len(text)


class _Displays(DisplayPublisher):
    def publish(self, data, metadata=None, **more):
        self.shell.outputs.rich("display_data", data, metadata)

    def clear_output(self, wait=False):
        self.shell.outputs.kept.clear()


class _Results(DisplayHook):
    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.outputs.rich("execute_result", format_dict, md_dict, execution_count=self.shell.execution_count)

    def finish_displayhook(self):
        pass


class Shell(InteractiveShell):
    """An InteractiveShell for one notebook. `run` a cell's source; the outputs come back."""

    def __init__(self, **more):
        self.outputs, self._prepared = Outputs(), {}
        super().__init__(**more)

    def init_history(self):
        """No file, no thread."""
        super().init_history()
        self.history_manager.enabled = False

    def init_displayhook(self):
        """Results become outputs."""
        self.displayhook_class = _Results
        super().init_displayhook()

    def init_display_pub(self):
        """Displays become outputs."""
        self.display_pub = _Displays(parent=self, shell=self)

    def enable_gui(self, gui=None):
        """There is no event loop to enable."""

    def ask_exit(self):
        """`exit` in a notebook ends nothing here."""

    def _showtraceback(self, kind, value, lines):
        self.outputs.error(kind.__name__, value, lines)

    def prepare(self, source):
        """Compile a trusted cell ahead, for `run` here and in every fork; not one that only IPython can read."""
        with contextlib.suppress(SyntaxError, ValueError):
            text = self.transform_cell(source)
            tree, name = ast.parse(text), self.compile.cache(text)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            ending = None if last is None or text.rstrip().endswith(";") else ast.Expression(last.value)
            if last is not None and ending is None:
                tree.body.append(last)
            self._prepared[source] = [
                compile(tree, name, "exec"),
                None if ending is None else compile(ending, name, "eval"),
            ]

    def _run_prepared(self, body, ending):
        """(result, exception or None) of a cell that was compiled ahead."""
        try:
            exec(body, self.user_ns)
            result = None if ending is None else eval(ending, self.user_ns)
            self.execution_count += 1
            if ending is not None:
                self.displayhook(result)
            self.events.trigger("post_execute")
            return result, None
        except Exception as error:
            self.showtraceback()
            return None, error

    def run(self, source):
        """(outputs, the result of the last expression, the exception or None) of a cell."""
        self.outputs = Outputs()
        kept = sys.stdout, sys.stderr, sys.stdin
        sys.stdout, sys.stderr, sys.stdin = Stream(self, "stdout"), Stream(self, "stderr"), io.StringIO()
        result = None
        try:
            if source in self._prepared:
                value, error = self._run_prepared(*self._prepared[source])
                return self.outputs.kept, value, error
            result = self.run_cell(source, store_history=True)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as e:  # an interrupt that came between two lines of IPython's own
            error = e
            self.outputs.error(type(e).__name__, e, [f"{type(e).__name__}: {e}"])
        finally:
            sys.stdout, sys.stderr, sys.stdin = kept
        if error is not None and not any(o["output_type"] == "error" for o in self.outputs.kept):
            self.outputs.error(type(error).__name__, error, [f"{type(error).__name__}: {error}"])
        return self.outputs.kept, None if result is None else result.result, error


def make():
    """The shell of this process."""
    import traitlets.config

    config = traitlets.config.Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.autocall = 0
    return Shell.instance(config=config, user_ns={})
