// One cell of the page: its code, its buttons, its outputs.
import { Draft } from "./drafts.js";
import { Outputs } from "./outputs.js";

const TORCH =
  "This cell needs PyTorch, which does not run in a browser. What stands below was computed when the book was built; only the names that later cells need were made anew.";

const part = (tag, className, text = "") =>
  Object.assign(document.createElement(tag), { className, textContent: text });

export class Cell {
  /** `cost` says what running it costs, where that is much. */
  constructor(place, number, page, edit, cost) {
    this.label = `Cell ${number}`;
    this.place = place;
    this.page = page;
    this.written = place.querySelector(".cell_input pre").textContent.replace(/\n$/, "");
    this.draft = new Draft(location.pathname, number, this.written);
    this.kept = this.draft.read() ?? this.written;
    this.editor = { code: () => this.kept, set: (text) => this.#changed(text) };
    this.rest = null;
    this.cost = cost;
    let box = place.querySelector(":scope .cell_output");
    if (!box) box = place.appendChild(part("div", "cell_output docutils container"));
    this.stored = [...box.childNodes];
    this.outputs = new Outputs(box, this.label.toLowerCase(), (id, at) => this.page.widgets.show(id, at));
    this.#buttons(number, box);
    this.#editWhenSeen(edit);
    const folded = place.querySelector("details:has(.cell_input)");
    if (folded && this.edited) folded.open = true; // what will run is to be seen
  }

  #buttons(number, box) {
    const bar = part("div", "live-cell-bar");
    const add = (text, label, press) => {
      const button = Object.assign(part("button", "", text), { type: "button" });
      button.setAttribute("aria-label", label);
      button.addEventListener("click", press);
      bar.append(button);
      return button;
    };
    add("Run", `Run cell ${number}`, () => this.page.run([this]));
    if (number > 1)
      add("Run up to here", `Run up to here: all cells up to cell ${number}`, () =>
        this.page.run(this.page.cells.slice(0, number)),
      );
    this.over = add("Start over", `Start over: the code and the output of cell ${number} as the book has them`, () =>
      this.startOver(),
    );
    this.over.hidden = this.kept === this.written;
    this.note = part("span", "live-note");
    bar.append(this.note);
    const hidden = box.closest("details");
    (hidden ?? box).before(bar);
  }

  /** `rest` is the code that can run without PyTorch, or null where all of it can. */
  plan(rest) {
    this.rest = rest;
    this.idle();
  }

  /** An editor takes the place of the code when the reader comes near. */
  #editWhenSeen(edit) {
    const shown = this.place.querySelector(".cell_input .highlight");
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry.isIntersecting) return;
        observer.disconnect();
        const line = part("div", "live-editor");
        shown.replaceWith(line);
        const slot = line.appendChild(part("div", ""));
        this.editor = edit(
          slot,
          this.kept,
          `${this.label}, code. Escape, then Tab leaves the editor.`,
          () => this.page.run([this]),
          (code) => this.#changed(code),
        );
      },
      { rootMargin: "600px" },
    );
    observer.observe(shown);
  }

  get edited() {
    return this.kept !== this.written;
  }

  #changed(code) {
    this.kept = code;
    this.over.hidden = !this.edited;
    this.draft.write(code);
  }

  /** The code and the output that the book has. What the cell has made in Python stays there. */
  startOver() {
    this.editor.set(this.written);
    this.outputs.restore(this.stored);
    this.idle();
  }

  wait() {
    this.#mark("waiting", "waits");
  }

  idle() {
    this.#mark("", this.rest === null ? (this.cost ?? "") : "needs PyTorch: keeps its stored output");
  }

  /** Python has ended. What spoke with it would be dead: the figure that the book has takes its place. */
  forget() {
    if (!this.place.dataset.live) return;
    const dead = this.place.querySelector(".cell_output .live-widget");
    if (dead) this.outputs.restore(this.stored);
    this.#mark("", `not run since Python started${dead && this.stored.length ? "; the figure is the book's" : ""}`);
  }

  show(output) {
    if (output.output_type === "error") this.failed = output;
    if (output.output_type === "clear_output") this.outputs.clear(output.wait);
    else this.outputs.add(output);
  }

  /** Run the code; `execute` gives whether it went well. */
  async run(execute) {
    const code = this.editor.code();
    if (this.rest !== null && code === this.written) {
      if (this.rest) await execute(this.rest, true);
      this.result = "was left out: it needs PyTorch";
      this.#mark("left-out", TORCH);
      return true;
    }
    this.failed = null;
    this.#mark("running", "runs …");
    this.outputs.expire();
    const began = performance.now();
    const good = await execute(code);
    if (good) await this.outputs.settle();
    await this.outputs.last;
    const named = this.failed?.ename;
    this.result = good ? "has run" : `ended with ${!named || named === "NotHere" ? "an error" : named}`;
    this.#mark(
      good ? "done" : "failed",
      good ? `ran in ${((performance.now() - began) / 1000).toFixed(2)} s` : this.#hint(),
    );
    return good;
  }

  #hint() {
    const { ename, evalue } = this.failed ?? {};
    if (/^(ModuleNotFoundError|ImportError)$/.test(ename) && /torch/.test(evalue))
      return "PyTorch does not run in a browser.";
    const above = this.page.cells
      .slice(0, this.page.cells.indexOf(this))
      .some((c) => !["done", "left-out"].includes(c.place.dataset.live));
    return ename === "NameError" && above
      ? "Cells above have not run yet: try “Run up to here”."
      : "ended with an error";
  }

  #mark(state, text) {
    this.place.dataset.live = state;
    this.place.toggleAttribute("aria-busy", state === "running");
    this.note.textContent = text;
  }
}
