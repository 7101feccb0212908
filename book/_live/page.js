// A page whose cells run. Called by button.js when the reader presses "Run this page".
import { Cell } from "./cell.js";
import { MEMORY, Python, Stopped } from "./python.js";
import { Widgets } from "./widgets.js";

const button = (text, className, press) => {
  const element = Object.assign(document.createElement("button"), { type: "button", textContent: text, className });
  element.addEventListener("click", press);
  return element;
};

class Page {
  constructor(bar, root, costs) {
    this.costs = costs;
    this.live = new URL("live/", root).href;
    this.status = bar.querySelector(".live-status");
    this.bar = bar;
    this.meter = document.createElement("progress");
    this.meter.setAttribute("aria-label", "Python is loading");
    this.parents = new Map(); // which cell a message belongs to, by the id of what caused it
    this.queue = Promise.resolve();
    this.turn = 0; // a run that waits from before a stop has an older number
    this.count = 0;
  }

  say(text) {
    this.status.textContent = text;
  }

  set state(name) {
    this.bar.dataset.state = name;
  }

  /** Start Python, showing how far it is. */
  async boot(why) {
    this.state = "loading";
    this.say(why);
    this.bar.insertBefore(this.meter, this.status);
    this.meter.removeAttribute("value");
    this.python = new Python(
      this.live,
      (message, buffers) => this.told(message, buffers),
      ({ text, done, total }) => {
        if (this.status.textContent !== `${text} …`) this.say(`${text} …`);
        if (total) Object.assign(this.meter, { max: total, value: done });
        else this.meter.removeAttribute("value");
      },
      (error) => this.died(error),
    );
    this.widgets = new Widgets((content, buffers) => this.send(content, buffers));
    try {
      this.lacks = await this.python.start();
    } finally {
      this.meter.remove();
    }
    this.python.ask("warm").catch(() => {}); // while the reader reads
  }

  async open() {
    const editor = import("./editor.js");
    await this.boot("Fetching Python …");
    const { edit } = await editor;
    const places = [...document.querySelectorAll("article div.cell")].filter((c) => c.querySelector(".cell_input pre"));
    this.cells = places.map((place, k) => new Cell(place, k + 1, this, edit, this.costs[k]));
    const rests = await this.python.ask("plan", { sources: this.cells.map((cell) => cell.written) });
    for (const [k, cell] of this.cells.entries()) cell.plan(rests[k]);
    const start = this.bar.querySelector(".live-start");
    const all = button("Run all", "live-all", () => this.run(this.cells));
    this.stopper = button("Stop", "live-stop", () => this.stop());
    this.stopper.hidden = true;
    start.replaceWith(all, this.stopper);
    all.focus({ preventScroll: true });
    const edited = this.cells.filter((cell) => cell.edited).length;
    const kept = edited ? ` Your changes are back in ${edited === 1 ? "one cell" : `${edited} cells`}.` : "";
    const how = "Run a cell, or all of them; Shift-Enter runs the one you edit.";
    this.say(`Python is ready. ${this.lacks || how}${kept}`);
    this.state = "ready";
  }

  /** Run cells one after the other, until one fails. */
  run(cells) {
    if (this.bar.dataset.state === "failed") this.restart(""); // Python did not come back the last time
    const turn = this.turn;
    for (const cell of cells) cell.wait();
    this.queue = this.queue.then(() => this.#work(cells, turn)).catch((error) => console.error(error));
    return this.queue;
  }

  async #work(cells, turn) {
    if (turn !== this.turn) return;
    if (this.python.over) {
      for (const cell of cells) cell.idle();
      return;
    }
    this.state = "running";
    this.stopper.hidden = false;
    const results = [];
    for (const [k, cell] of cells.entries()) {
      if (turn !== this.turn) return;
      const good = await this.#one(cell, turn);
      results.push(cell);
      if (!good) {
        for (const later of cells.slice(k + 1)) later.idle();
        break;
      }
    }
    if (turn !== this.turn) return;
    if (results.length > 1) this.say(summary(results));
    this.stopper.hidden = true;
    this.state = "ready";
  }

  async #one(cell, turn) {
    const id = `${cell.label} ${++this.count}`;
    this.parents.set(id, cell);
    this.say(`${cell.label} is running.`);
    try {
      const good = await cell.run((code, quiet) => this.python.ask("run", { code, cell: quiet ? "" : id }));
      this.say(`${cell.label} ${cell.result}.`);
      return good;
    } catch (error) {
      if (turn !== this.turn || error instanceof Stopped) return false;
      this.died(error);
      return false;
    }
  }

  /** Python itself broke, most often because memory ran out: begin again. */
  died(error) {
    console.warn(error);
    const cell = this.cells?.find((c) => c.place.dataset.live === "running");
    const where = cell ? ` in ${cell.label.toLowerCase()}` : "";
    this.restart(`${MEMORY.test(error.message) ? "Python ran out of memory" : "Python broke down"}${where}`);
  }

  stop() {
    this.restart("Stopped");
  }

  /** End Python and start it again. What the cells had computed is gone with it. */
  async restart(what) {
    this.turn++;
    this.python.stop();
    for (const cell of this.cells) cell.forget();
    this.parents.clear();
    this.stopper.hidden = true;
    const said = what && `${what}. `;
    const started = this.boot(`${said}Starting Python afresh …`);
    this.queue = started.then(
      () => {
        this.say(
          `${said}Python started afresh and knows nothing of what ran before: run the cells that you need again.`,
        );
        this.state = "ready";
      },
      (error) => {
        if (error instanceof Stopped) return;
        this.say(`${said}${error.said ?? String(error)} To try again, run a cell.`);
        this.state = "failed";
      },
    );
  }

  /** Something that Python published. */
  told(message, buffers) {
    if (message.type.startsWith("comm_")) {
      if (message.type === "comm_open") this.parents.set(message.content.comm_id, this.parents.get(message.parent));
      this.widgets.receive(message, buffers);
      return;
    }
    if (message.type === "loading") return this.say(`${message.content.text} …`);
    const output = { output_type: message.type, ...message.content };
    const widget = this.widgets.openOutput(message.parent);
    if (widget) widget.capture(output);
    else this.parents.get(message.parent)?.show(output);
  }

  /** A widget's message on its way to Python. */
  send(content, buffers) {
    const id = `widget ${++this.count}`;
    this.parents.set(id, this.parents.get(content.comm_id));
    const done = this.python.ask("widget", { message: id, content, buffers }).finally(() => this.parents.delete(id));
    return { id, done };
  }
}

/** What became of several cells, in one sentence. */
function summary(cells) {
  const left = cells.filter((cell) => cell.place.dataset.live === "left-out").length;
  const failed = cells.find((cell) => cell.place.dataset.live === "failed");
  const ran = cells.length - left - (failed ? 1 : 0);
  const parts = [`${ran} ${ran === 1 ? "cell has" : "cells have"} run`];
  if (left) parts.push(`${left} ${left === 1 ? "was" : "were"} left out for want of PyTorch`);
  if (failed) parts.push(`${failed.label} ${failed.result}`);
  return `${parts.join("; ")}.`;
}

export async function start(bar, root, costs = []) {
  const style = Object.assign(document.createElement("link"), {
    rel: "stylesheet",
    href: new URL("live/live.css", root),
  });
  document.head.append(style);
  const below = () => {
    const header = /** @type {HTMLElement | null} */ (document.querySelector(".bd-header-article"));
    document.documentElement.style.setProperty("--live-top", `${header?.offsetHeight ?? 0}px`);
  };
  below();
  addEventListener("resize", below);
  await new Page(bar, root, costs).open();
}
