// What Python shows, as the page shows it. The classes are those that the book's own outputs have.
import { delimited, FORMULA } from "./formulas.js";

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of a terminal begin with Escape
const ANSI = /\x1b\[([0-9;]*)m/;
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

const make = (tag, className, ...children) => {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...children);
  return element;
};

/** The class names after one escape sequence. */
function restyle(style, codes) {
  for (let k = 0; k < codes.length; k++) {
    const code = codes[k];
    if (code === 0) style = { bold: false, colour: "" };
    else if (code === 1) style = { ...style, bold: true };
    else if (code === 22) style = { ...style, bold: false };
    else if (code === 39) style = { ...style, colour: "" };
    else if (code >= 30 && code < 38) style = { ...style, colour: NAMES[code - 30] };
    else if (code >= 90 && code < 98) style = { ...style, colour: NAMES[code - 90] };
    else if (code === 38 || code === 48) k += codes[k + 1] === 5 ? 2 : 4;
  }
  return style;
}

/** Text with the colours of a terminal. */
export function ansi(text) {
  const pre = make("pre", "");
  let style = { bold: false, colour: "" };
  text.split(ANSI).forEach((part, k) => {
    if (k % 2) style = restyle(style, part.split(";").map(Number));
    else if (part)
      pre.append(make("span", `${style.bold ? "ansi-bold " : ""}${style.colour && `ansi-${style.colour}`}`, part));
  });
  return pre;
}

/** A terminal's carriage return: what follows it writes over the line. */
const overwrite = (text) => text.replace(/\r\n/g, "\n").replace(/^.*\r(?=[^\n])/gm, "");

let markdown;
async function fromMarkdown(text) {
  markdown ??= import("./markdown.js");
  try {
    return (await markdown).render(text);
  } catch (error) {
    markdown = undefined; // the next one asks again
    throw error;
  }
}

const typeset = (element) => window.MathJax?.typesetPromise?.([element]);

const picture = (type) => (data, label) => {
  const image = new Image();
  image.src = `data:${type};base64,${data.replace(/\s/g, "")}`;
  image.alt = `Picture: what ${label} drew`;
  return make("div", "output image_png", image);
};

// The first of these that an output has is shown.
const SHOW = {
  "text/html": (data) => {
    const box = make("div", "output text_html");
    box.innerHTML = data;
    return box;
  },
  "image/svg+xml": (data) => {
    const box = make("div", "output image_svg");
    box.innerHTML = data;
    return box;
  },
  "image/png": picture("image/png"),
  "image/jpeg": picture("image/jpeg"),
  "text/markdown": async (data) => {
    const box = make("div", "output text_markdown math mathjax_process");
    box.innerHTML = await fromMarkdown(data);
    await typeset(box);
    return box;
  },
  "text/latex": async (data) => {
    const box = make("div", "output text_latex math mathjax_process", data.replace(FORMULA, delimited));
    await typeset(box);
    return box;
  },
  "text/plain": (data) =>
    make("div", "output text_plain highlight-myst-ansi notranslate", make("div", "highlight", ansi(data))),
};
const WIDGET = "application/vnd.jupyter.widget-view+json";

// What was shown with a name, by that name: any cell may change it later, in all its places.
const named = new Map();

/** What stands where an output cannot be shown. */
function regret(error) {
  const text = String(error?.message ?? error);
  const said = /fetch|import|load/i.test(text)
    ? "What shows this output could not be fetched: the network is away, or the site is. Reload the page when it is back; what you wrote into its cells is kept."
    : `This output could not be shown: ${text}`;
  return make("div", "output traceback", said);
}

/** One place for outputs: a cell's, or an Output widget's. Changes come one after the other, in order. */
export class Outputs {
  constructor(box, label, widget) {
    this.box = box;
    this.label = label;
    this.widget = widget;
    this.last = Promise.resolve();
    this.stale = false;
  }

  /** Make all that is shown now disappear with the next output. */
  expire() {
    this.stale = true;
  }

  /** Clear what is still there from before; after the last output of a run. */
  settle() {
    return this.#next(() => this.#fresh());
  }

  /** Put back what was there before anything ran. */
  restore(nodes) {
    return this.#next(() => {
      this.stale = false;
      this.box.replaceChildren(...nodes);
    });
  }

  clear(wait) {
    return this.#next(() => {
      this.expire();
      if (!wait) this.#fresh();
    });
  }

  add(output) {
    return this.#next(async () => {
      if (output.output_type === "update_display_data") return this.#update(output);
      this.#fresh();
      const before = this.box.lastElementChild;
      if (output.output_type === "stream" && before?.dataset.stream === output.name) {
        before.written += output.text;
        before.replaceChildren(make("div", "highlight", ansi(overwrite(before.written))));
        return;
      }
      const shown = await this.#render(output);
      this.box.append(shown);
      const id = output.transient?.display_id;
      if (id) named.set(id, [...(named.get(id) ?? []), shown]);
    });
  }

  #next(change) {
    this.last = this.last.then(change).catch((error) => {
      console.warn("output", error);
      this.#fresh();
      this.box.append(regret(error));
    });
    return this.last;
  }

  #fresh() {
    if (this.stale) this.box.replaceChildren();
    this.stale = false;
  }

  async #update(output) {
    const id = output.transient?.display_id;
    const places = (named.get(id) ?? []).filter((old) => old.isConnected);
    named.set(id, []);
    for (const old of places) {
      const shown = await this.#render(output);
      old.replaceWith(shown);
      named.get(id).push(shown);
    }
  }

  async #render(output) {
    if (output.output_type === "stream") {
      const box = make(
        "div",
        `output ${output.name === "stderr" ? "stderr" : "stream"} highlight-myst-ansi notranslate`,
      );
      Object.assign(box, { written: output.text }).dataset.stream = output.name;
      box.append(make("div", "highlight", ansi(overwrite(output.text))));
      return box;
    }
    if (output.output_type === "error") {
      const box = make("div", "output traceback highlight-myst-ansi notranslate");
      box.append(make("div", "highlight", ansi(output.traceback.join("\n"))));
      return box;
    }
    const { data } = output;
    if (data[WIDGET] && this.widget) {
      const box = make("div", "output live-widget");
      this.box.append(box); // a widget can only be put where there is a page around it
      await this.widget(data[WIDGET].model_id, box);
      return box;
    }
    const type = Object.keys(SHOW).find((t) => data[t] !== undefined);
    const text = type && (Array.isArray(data[type]) ? data[type].join("") : data[type]);
    return type ? SHOW[type](text, this.label) : make("div", "output");
  }
}
