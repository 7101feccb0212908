// What a panel says in words, for the spoken status and the table of numbers, and the numbers that stand in its
// picture. told.py says the same in Python, and a test holds the two together for every figure of the book.
import { fixed, format, seen, spelled } from "./marks.js";
import { noteName, notesOf } from "./notes.js";

const numbers = (a) => Array.from(a, (v) => format(v));

const TELL = {
  numbers: (p, at) => p.items.map((i) => [i.name, [amount(i, at)]]),
  bars: (p, at) =>
    p.names.map((name, k) => [name, [at(p.values)[k], ...pointsOf(p, at, k)].map((v) => format(v, p.digits))]),
  diagram: tellDiagram,
  heatmap: tellHeatmap,
  words: tellWords,
  roll: tellRoll,
  lines: tellLines,
};

// [name, values] pairs; with `whole` all numbers, without what is worth saying aloud.
export const tell = (p, at, whole) => TELL[p.kind](p, at, whole);

// The numbers that are written into the picture, in the order of the panel's data; "" where there is none.
export function written(p, at) {
  if (p.kind === "bars") return Array.from(at(p.values), (v) => format(v, p.digits));
  if (p.kind === "numbers") return p.items.map((i) => amount(i, at));
  if (p.kind === "diagram") return Array.from(at(p.values), (v) => fixed(v, 2));
  if (p.kind === "heatmap" && p.decimals !== null) return Array.from(at(p.z), (v) => fixed(v, p.decimals));
  return [];
}

const amount = (item, at) => `${format(at(item.value)[0], item.digits)} ${item.unit}`.trim();

export const pointsOf = (p, at, k) => (p.points.length ? Array.from(at(p.points[k])) : []);

function tellDiagram(p, at) {
  const values = at(p.values);
  const value = (part) => values[p.layout.ids.indexOf(part.id)];
  const numbered = p.layout.operations.filter((o) => Number.isFinite(value(o)));
  return [...p.layout.boxes, ...numbered].map((part) => [
    `${part.label} ${part.symbol || ""}`.trim(),
    [format(value(part))],
  ]);
}

function tellHeatmap(p, at, whole) {
  if (!whole) return [];
  const z = at(p.z);
  const ticks = p.y_ticks ? spelled(p.y_ticks, at) : [];
  const row = (r) => numbers(z.slice(r * p.columns, (r + 1) * p.columns));
  return Array.from({ length: p.rows }, (_, r) => [ticks[r] || `${p.y_label} ${r}`, row(r)]);
}

function tellWords(p, at, whole) {
  const tokens = spelled(p.text, at);
  const name = p.title || "text";
  if (!whole) return [[name, [tokens.join(p.letters ? "" : " ")]]];
  return [[name, tokens.map(seen)], ...p.tracks.map((t) => [t.name || p.z_label, numbers(at(t.values))])];
}

function tellRoll(p, at, whole) {
  const notes = notesOf(p, at);
  const last = notes.at(-1);
  const end = last ? last.start + last.beats : 0;
  if (!whole) return [[p.title || "melody", [`${notes.length} notes, ${format(end)} beats`]]];
  return [
    ["note", notes.map((n) => noteName(n.pitch))],
    ["from beat", notes.map((n) => format(n.start))],
    ["beats", notes.map((n) => format(n.beats))],
  ];
}

function tellLines(p, at, whole) {
  const curves = p.curves.flatMap((c) => {
    const y = Array.from(at(c.y));
    if (!c.x) return [[c.name, y]];
    return [
      [`${c.name}: ${p.x_label}`, Array.from(at(c.x))],
      [`${c.name}: ${p.y_label}`, y],
    ];
  });
  if (whole) return [[p.x_label, numbers(at(p.x))], ...curves.map(([name, values]) => [name, numbers(values)])];
  return curves.map(([name, values]) => {
    const known = values.filter(Number.isFinite);
    return [name, [known.length ? `${format(known[0])} to ${format(known.at(-1))}` : "no values"]];
  });
}
