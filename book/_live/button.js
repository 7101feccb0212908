// The button under a page's title. It stands in the page itself, so that nothing is fetched before it is pressed.
const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
const cost = /* cost */ { said: "", cells: [] }; // filled in when the page is built, see course_site/cost.py
const bar = document.createElement("div");
bar.className = "live-bar";
bar.innerHTML = `<button type="button" class="live-start">Run this page</button>
  <p class="live-status" role="status">Starts Python in your browser; there is nothing to install. ${cost.said}</p>`;
const button = bar.querySelector("button");
const status = bar.querySelector(".live-status");
button.addEventListener("click", async () => {
  button.disabled = true;
  bar.dataset.state = "loading";
  try {
    const page = await import(new URL("live/page.js", root).href);
    await page.start(bar, root, cost.cells);
  } catch (error) {
    console.warn(error);
    status.textContent =
      error.said ||
      (location.protocol === "file:"
        ? "Python cannot start in a page that is opened as a file. Serve the site (nox -s serve), or read on: the page works without it."
        : "The site did not deliver what runs this page. Check the network and try again, or read on: the page works without it.");
    bar.dataset.state = "failed";
    button.disabled = false;
  }
});
document.querySelector("article h1")?.after(bar);
