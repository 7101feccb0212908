// Draws an Explorer, in both of its lives. In Jupyter (`render`, called by anywidget) a moved control goes to
// Python, which sends numbers back. In a static page (`mountStatic`) the numbers come from a table in the page.
// panels.js draws, tell.js says in words, sound.js plays; explorer.py joins the files into one script.

import { clock } from "./clock.js";
import { make } from "./elements.js";
import { escaped, format, named } from "./marks.js";
import { notesOf } from "./notes.js";
import { drawBars, drawDiagram, drawHeatmap, drawLines } from "./panels.js";
import { drawRoll, player } from "./roll.js";
import { reader } from "./table.js";
import { tell, written } from "./tell.js";
import { drawWords } from "./words.js";

const DRAW = {
  lines: drawLines,
  bars: drawBars,
  heatmap: drawHeatmap,
  diagram: drawDiagram,
  words: drawWords,
  roll: drawRoll,
};

// Builds controls and panels inside `root`; calls changed({name: position}) when the reader moves something.
function build(root, spec, changed) {
  const position = {};
  const resets = [];
  const controls = make("div", { class: "explorer-controls" });
  for (const c of spec.controls) {
    const start = c.values.indexOf(c.value);
    const said = (k) =>
      `${typeof c.values[k] === "number" ? format(c.values[k], 4) : c.values[k]}${c.unit ? ` ${c.unit}` : ""}`;
    const slider = c.kind === "slider";
    const output = make("output");
    const label = make("label", { "data-of": c.label }, make("span", {}, c.label));
    const input = slider
      ? make("input", { type: "range", min: 0, max: c.values.length - 1, step: 1 })
      : make("select", {}, ...c.values.map((v, k) => make("option", { value: k }, String(v))));
    input.dataset.name = c.name;
    const show = () => {
      position[c.name] = Number(input.value);
      if (slider) {
        output.textContent = said(position[c.name]);
        input.setAttribute("aria-valuetext", said(position[c.name]));
      }
    };
    input.addEventListener("input", () => {
      show();
      changed(position);
    });
    resets.push((k = start) => {
      input.value = k;
      show();
    });
    resets.at(-1)();
    label.append(input, ...(slider ? [output] : []));
    controls.append(c.play ? make("div", { class: "explorer-played-by" }, label, clock(input, c.label)) : label);
  }
  const panels = make("div", { class: `explorer-panels${{ 2: " two", 3: " many" }[spec.columns] ?? ""}` });
  const views = spec.panels.map((p) => {
    if (p.kind === "numbers") return panels.appendChild(make("div", { class: "explorer-numbers" }));
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", [p.title, spec.alt].filter(Boolean).join(". "));
    const place = panels.appendChild(make("div", p.kind === "diagram" ? { class: "wide" } : {}, svg));
    const sound = p.kind === "roll" ? player(place, () => notesOf(p, at), p, spec.title) : undefined;
    return Object.assign(svg, { player: sound, widthNow: 0 });
  });
  const status = make("p", { class: "explorer-status", role: "status" });
  const error = make("p", { class: "explorer-error", role: "alert", hidden: "" });
  const reset = make("button", { type: "button" }, "Reset");
  const table = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Numbers in this figure" });
  const details = make("details", {}, make("summary", {}, "Numbers in this figure"), table);
  reset.addEventListener("click", () => {
    for (const toStart of resets) toStart();
    changed(position);
  });
  const number = root.dataset.number; // in a chapter of the book: 7.2
  const called = number ? `Figure ${number}. ${spec.title}` : spec.title;
  const title = make("p", { class: "explorer-title" }, called);
  root.append(
    title,
    controls, // above what it changes, so that a hand on it covers nothing
    panels,
    make("div", { class: "explorer-foot" }, ...(spec.controls.length ? [reset] : []), details),
    error,
    status,
  );
  root.classList.add("course-explorer", "explorer-drawn");
  controls.addEventListener("keydown", (e) => e.stopPropagation()); // JupyterLab would take the arrow keys for itself
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", called);

  let now = null;
  let said = 0;
  const at = (ref) => (ref.slot === undefined ? ref : now[ref.slot]); // a line of the reader's brings its numbers
  const draw = () =>
    spec.panels.forEach((p, k) => {
      if (p.kind === "numbers") {
        views[k].innerHTML = written(p, at)
          .map(
            (said, j) =>
              `<span class="role-${p.items[j].role}"${named(p.items[j].name)}>${escaped(p.items[j].name)}<strong>${escaped(said)}</strong></span>`,
          )
          .join("");
        return;
      }
      const width = views[k].widthNow || 640;
      const drawn = DRAW[p.kind](p, at, width);
      views[k].setAttribute("viewBox", `0 0 ${drawn.width || width} ${drawn.height}`);
      if (drawn.width) views[k].style.maxWidth = `${1.4 * drawn.width}px`; // larger, its words would shout
      views[k].innerHTML = drawn.s;
      views[k].player?.stop(); // what was playing is no longer what is shown
    });
  const fillTable = () => {
    if (!details.open) return;
    table.replaceChildren(
      make(
        "table",
        {},
        ...spec.panels
          .flatMap((p) => tell(p, at, true))
          .map(([n, row]) => make("tr", {}, make("th", { scope: "row" }, n), ...row.map((v) => make("td", {}, v)))),
      ),
    );
  };
  details.addEventListener("toggle", fillTable);
  const speak = () => {
    status.textContent = spec.panels
      .flatMap((p) => tell(p, at, false))
      .map(([n, row]) => `${n}: ${row.join(", ")}`)
      .join("; ");
  };
  new ResizeObserver(() => {
    let moved = false;
    for (const v of views) {
      const w = Math.round(v.parentElement.clientWidth);
      if (w && v.tagName === "svg" && w !== v.widthNow) {
        v.widthNow = w;
        moved = true;
      }
    }
    if (moved && now) draw();
  }).observe(panels);
  return {
    show(frame, first = false) {
      now = frame;
      for (const v of views)
        if (!v.widthNow && v.tagName === "svg") v.widthNow = Math.round(v.parentElement.clientWidth);
      draw();
      fillTable();
      clearTimeout(said);
      if (!first) said = setTimeout(speak, 500); // after the reader stops, not at every step
    },
    panels(next) {
      spec.panels = next;
    },
    place(name, k) {
      resets[spec.controls.findIndex((c) => c.name === name)](k);
    },
    fail(message) {
      error.textContent = message;
      error.hidden = !message;
    },
    position,
  };
}

export function mountStatic(root) {
  const spec = JSON.parse(root.querySelector("script").textContent);
  const readers = spec.table.map((slot) => reader(slot, spec.controls));
  const figure = build(root, spec, (position) => figure.show(readers.map((read) => read(position))));
  figure.show(
    readers.map((read) => read(figure.position)),
    true,
  );
  // A line that the reader drew before the figure moved: {panel, curve}, or {panel} to take it away again.
  root.addEventListener("course-line", (event) => {
    const { panel, curve } = /** @type {CustomEvent} */ (event).detail;
    const panels = spec.panels.map((p, k) =>
      k === panel ? { ...p, curves: [...p.curves.filter((c) => c.role !== "reader"), ...(curve ? [curve] : [])] } : p,
    );
    figure.panels(panels);
    figure.show(
      readers.map((read) => read(figure.position)),
      true,
    );
  });
}

function render({ model, el }) {
  const spec = model.get("spec");
  const root = el.appendChild(make("div", {}, make("p", { class: "explorer-alt" }, spec.alt)));
  const figure = build(root, { ...spec }, (position) => {
    model.set("values", Object.fromEntries(spec.controls.map((c) => [c.name, c.values[position[c.name]]])));
    model.save_changes();
  });
  const frame = () => model.get("frame").map((slot) => slot.map((v) => v ?? NaN));
  const place = () => {
    for (const c of spec.controls) figure.place(c.name, c.values.indexOf(model.get("values")[c.name]));
  };
  model.on("change:spec", () => figure.panels(model.get("spec").panels));
  model.on("change:frame", () => figure.show(frame()));
  model.on("change:values", place); // when Python sets a value
  model.on("change:error", () => figure.fail(model.get("error")));
  place();
  figure.show(frame(), true);
}

export default { render };

for (const root of document.querySelectorAll(".course-explorer:not(.explorer-drawn)"))
  if (root.querySelector(":scope > script")) mountStatic(root);
