// What a reader predicted on a page, at its end: what to read again, and the answers to look at, copy and clear.
import { make } from "../../course_pkg/widgets/elements.js";

/** Made once; show() follows the answers. `forms` gives the page's forms in order. */
export function summary(name, answers, forms) {
  const said = make("p", { role: "status" });
  const table = make("table", {});
  const scroll = make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Your predictions" },
    table,
  );
  const look = make("details", {}, make("summary", {}, "Look at your answers"), scroll);
  const copy = make("button", { type: "button" }, "Copy");
  const clear = make("button", { type: "button" }, "Clear");
  const title = make("p", { class: "title", id: "your-predictions" }, "Your predictions on this page");
  const place = make("aside", { class: "prediction-summary", "aria-labelledby": "your-predictions", hidden: "" });
  place.append(title, said, look, make("div", { class: "buttons" }, copy, clear));
  document.querySelector("article.bd-article > section, article")?.append(place);

  const figuresOf = (some) =>
    [...new Map(some.map((form) => [form.figure.name, form.figure])).values()].flatMap((figure, k) => [
      ...(k ? [", "] : []),
      make("a", { href: `#${figure.root.id}` }, figure.name),
    ]);
  const show = () => {
    const made = forms().filter((form) => answers.get(form.id));
    place.hidden = made.length === 0;
    const far = made.filter((form) => !answers.get(form.id).close);
    const all = forms().length;
    const first =
      made.length === all
        ? "You have answered every question. "
        : `You have answered ${made.length} of ${all} questions. `;
    said.replaceChildren(
      first,
      ...(far.length
        ? ["What you said and what was shown were apart here, so this is worth reading again: ", ...figuresOf(far), "."]
        : ["What you said was near what was shown each time."]),
      " Your answers stay in this browser; nobody else sees them.",
    );
    const row = (kind, cells) =>
      make("tr", {}, ...cells.map((text) => make(kind, kind === "th" ? { scope: "col" } : {}, text)));
    table.replaceChildren(
      row("th", ["Figure", "Question", "You said", "Shown"]),
      ...made.map((form) => {
        const a = answers.get(form.id);
        return row("td", [a.figure, a.asked, a.said, a.shown || "see the answer"]);
      }),
    );
  };
  copy.addEventListener("click", async () => {
    const text = answers.asText(`My predictions: ${document.querySelector("h1")?.firstChild?.textContent ?? name}`);
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "The browser did not allow it";
    }
    setTimeout(() => {
      copy.textContent = "Copy";
    }, 2000);
  });
  clear.addEventListener("click", () => {
    if (!confirm("Clear your answers on this page?")) return;
    for (const form of forms()) if (answers.get(form.id)) form.open();
    answers.clear();
    show();
  });
  return { show };
}
