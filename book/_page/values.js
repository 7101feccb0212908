// The numbers of a published figure by the names that it shows, at any position of its controls.
import { spelled } from "../../course_pkg/widgets/marks.js";
import { reader } from "../../course_pkg/widgets/table.js";

const NAMED = {
  numbers: (p, at) => p.items.map((i) => [i.name, at(i.value)]),
  bars: (p, at) =>
    p.names.map((name, k) => [
      name,
      [at(p.values)[k], ...p.points.flatMap((row, j) => (j === k ? Array.from(at(row)) : []))],
    ]),
  diagram: (p, at) =>
    p.layout.ids.flatMap((id, k) => [
      [id, [at(p.values)[k]]],
      [`lit ${id}`, [at(p.lit)[k]]],
    ]),
  heatmap: rowsOf,
  words: (p, at) => [["text", spelled(p.text, at)], ...p.tracks.map((t) => [t.name || p.z_label, at(t.values)])],
  lines: (p, at) => [
    [p.x_label, at(p.x)],
    ...p.curves.flatMap((c) => [[c.name, at(c.y)], ...(c.x ? [[`${c.name}: x`, at(c.x)]] : [])]),
    ...p.marks.map((m) => [m.name, at(m.x)]),
  ],
  roll: () => [],
};

function rowsOf(p, at) {
  const ticks = p.y_ticks ? spelled(p.y_ticks, at) : [];
  return Array.from({ length: p.rows }, (_, r) => [
    ticks[r] || String(r),
    at(p.z).slice(r * p.columns, (r + 1) * p.columns),
  ]);
}

/** {name: place in its values} for some controls by value; the others stand where the figure starts. */
export function positionOf(spec, values = {}) {
  const known = spec.controls.map((c) => c.name);
  const strange = Object.keys(values).find((name) => !known.includes(name));
  if (strange) throw new Error(`${spec.title}: no control ${strange}, only ${known.join(", ")}`);
  return Object.fromEntries(
    spec.controls.map((c) => {
      const wanted = values[c.name] ?? c.value;
      const k = c.values.findIndex((v) => v === wanted || (typeof v === "number" && Math.abs(v - wanted) < 1e-9));
      if (k < 0) throw new Error(`${spec.title}: ${c.name} has no value ${wanted}, only ${c.values.join(", ")}`);
      return [c.name, k];
    }),
  );
}

/** The figure's arrays at some position, by slot. */
export function slotsOf(spec) {
  const readers = spec.table.map((slot) => reader(slot, spec.controls));
  return (values) => readers.map((read) => read(positionOf(spec, values)));
}

/** What a figure shows: numbersOf(spec)({w: 0.5})("state") is the curve of that name as a list of numbers. */
export function numbersOf(spec) {
  const slots = slotsOf(spec);
  return (values) => {
    const now = slots(values);
    return (name, panel) => {
      const panels = panel === undefined ? spec.panels : [spec.panels[panel]];
      const all = panels.flatMap((p) => NAMED[p.kind](p, (ref) => now[ref.slot]));
      const found = all.filter(([called]) => called === name);
      if (found.length !== 1) throw new Error(`${spec.title}: ${found.length} things are called ${name}, wanted one`);
      return Array.from(found[0][1]);
    };
  };
}

const known = (a) => a.filter(Number.isFinite);
const place = (a, best) => a.indexOf(best(...known(a)));

/** The words in which a question's truth is written, over the figure at the position `at`. */
export function wordsFor(spec, at) {
  const when = numbersOf(spec);
  return {
    when,
    now: when(at),
    grid: (name) => spec.controls.find((c) => c.name === name).values,
    last: (a) => known(a).at(-1),
    max: (a) => Math.max(...known(a)),
    min: (a) => Math.min(...known(a)),
    largest: (a) => place(a, Math.max),
    smallest: (a) => place(a, Math.min),
    apart: (a, b) => a.reduce((sum, v, k) => sum + Math.abs(v - b[k]), 0) / a.length,
    count: (a, holds) => a.filter(holds).length,
    median: (a) => {
      const up = known(a).sort((x, y) => x - y);
      return (up[(up.length - 1) >> 1] + up[up.length >> 1]) / 2;
    },
  };
}

/** What the figure has to say to a question: {right} of a choice, {value} of a number, {y} of a curve. */
export function truth(question, spec) {
  const words = wordsFor(spec, question.at);
  if (question.kind === "draw") return { y: words.now(question.curve, question.panel) };
  if (question.kind === "number") return { value: question.value(words) };
  if (question.kind !== "choose") return {};
  if (question.which) return { right: [question.which(words)].filter((k) => k >= 0 && k < question.options.length) };
  return { right: question.options.map((_, k) => k).filter((k) => question.holds[k](words)) };
}
