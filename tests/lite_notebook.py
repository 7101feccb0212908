"""A notebook in JupyterLite, in the hands of a reader. Needs Playwright's page and nothing else."""

import re

START = 1_200_000  # milliseconds: it ends what hangs; a machine with twenty processes on two cores takes minutes


class Notebook:
    """A notebook that is open in JupyterLite."""

    def __init__(self, page, url, path):
        self.page = page
        page.goto(f"{url}/lite/notebooks/index.html?path={path}")
        self.wait()

    def wait(self):
        """Wait until the notebook is there and its kernel can take a cell."""
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=START)
        self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(timeout=START)

    def cell(self, text):
        """The code cell that holds `text`. Cells far from what is shown are not in the page: scroll to it."""
        found = self.page.locator(".jp-Notebook .jp-CodeCell", has_text=text).first
        self.page.mouse.move(640, 450)
        for move in [0, -100_000, *[400] * 60]:
            self.page.mouse.wheel(0, move)
            self.page.wait_for_timeout(200)
            if found.count() and found.locator(".cm-content, .jp-OutputArea").count():
                return found
        raise LookupError(f"no cell holds {text!r}")

    def write(self, text, code):
        """Put `code` into the cell that holds `text`, in place of all that is in it."""
        editor = self.cell(text).locator(".cm-content")
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)

    def run_first(self):
        """Go through the cells from the top, as a reader does, until the first code cell has run."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell").first
        self.page.locator(".jp-Notebook .jp-Cell").first.click()
        while "jp-mod-active" not in cell.get_attribute("class"):
            self.page.keyboard.press("Shift+Enter")
            self.page.wait_for_timeout(100)
        self.page.keyboard.press("Shift+Enter")
        cell.locator(".jp-OutputArea-output").first.wait_for(timeout=START)

    def run(self, text):
        """Run the cell that holds `text`; returns what it says. A cell that has run bears a number."""
        cell = self.cell(text)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        cell.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]")).wait_for(timeout=START)
        return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts()).strip()

    def check(self, text):
        """Run the cell that holds `text`, then the one below it, whose code is folded; returns what that newly says."""
        self.run(text)
        below = self.page.locator(f".jp-CodeCell:has-text({text!r}) ~ .jp-CodeCell").first
        self.page.keyboard.press("Shift+Enter")  # as readers do: the next cell is chosen
        self.page.wait_for_timeout(200)
        before = below.locator(".jp-OutputArea").inner_text()
        self.page.keyboard.press("Shift+Enter")
        for _ in range(START // 250):
            said = below.locator(".jp-OutputArea").inner_text()
            if said.strip() and said != before:
                return said
            self.page.wait_for_timeout(250)
        raise TimeoutError(f"the cell below {text!r} says the same as before: {before!r}")
