// What is told of a panel is what stands in its picture.
import assert from "node:assert/strict";
import { test } from "node:test";
import { noteName, notesOf } from "../../course_pkg/widgets/notes.js";
import { drawBars, drawDiagram, drawHeatmap } from "../../course_pkg/widgets/panels.js";
import { tell, written } from "../../course_pkg/widgets/tell.js";

const at = (values) => values; // here a panel holds its numbers itself
const texts = (drawn, pattern) => [...drawn.s.matchAll(pattern)].map((m) => m[1]);

test("bars: each number once in the picture and once in words, its single measurements after it", () => {
  const p = {
    kind: "bars",
    title: "",
    names: ["a", "b"],
    roles: ["rnn", "gru"],
    values: [10, 0.3333],
    points: [
      [9, 11],
      [0.3, 0.4],
    ],
    range: null,
    value_label: "v",
    digits: 2,
  };
  assert.deepEqual(tell(p, at, false), [
    ["a", ["10", "9", "11"]],
    ["b", ["0.33", "0.3", "0.4"]],
  ]);
  assert.deepEqual(texts(drawBars(p, at, 640), /tabular-nums">([^<]*)</g), written(p, at));
  assert.deepEqual(written(p, at), ["10", "0.33"]);
});

test("heat maps: a number on its colour, row by row in words", () => {
  const p = {
    kind: "heatmap",
    title: "",
    z: [0.1, Number.NaN, -0.25, 1],
    rows: 2,
    columns: 2,
    x_label: "x",
    y_label: "row",
    z_label: "z",
    x_ticks: null,
    y_ticks: ["first", "second"],
    range: [-1, 1],
    decimals: 1,
    height: 260,
  };
  assert.deepEqual(tell(p, at, true), [
    ["first", ["0.1", "–"]],
    ["second", ["−0.25", "1"]],
  ]);
  assert.deepEqual(tell(p, at, false), []);
  assert.deepEqual(texts(drawHeatmap(p, at, 640), /text-anchor="middle"(?: class="on-colour")?>([^<]*)</g), [
    "0.1",
    "−0.3",
    "1.0",
  ]);
});

test("diagrams: a box shows its symbol and number, an operation its number where it has one", () => {
  const box = { id: "c", x: 50, y: 50, w: 40, h: 30, label: "now", symbol: "c", role: "cell" };
  const operation = { id: "add", x: 90, y: 50, r: 15, label: "+", role: "cell" };
  const layout = { width: 200, height: 100, boxes: [box], operations: [operation], wires: [], ids: ["c", "add"] };
  const p = { kind: "diagram", title: "", layout, values: [0.456, Number.NaN], lit: [1, 0] };
  assert.deepEqual(texts(drawDiagram(p, at), /class="box-value">([^<]*)</g), ["c 0.46"]);
  assert.deepEqual(tell(p, at, true), [["now c", ["0.456"]]]);
});

test("curves: all numbers in the table, the two ends aloud; a logarithmic axis changes neither", () => {
  const curve = { name: "y", y: [Number.NaN, 1e-9, 2000], role: "cell", style: "solid" };
  for (const log_y of [false, true]) {
    const p = { kind: "lines", x: [0, 1, 2], x_label: "step", y_label: "y", curves: [curve], log_y };
    assert.deepEqual(tell(p, at, true), [
      ["step", ["0", "1", "2"]],
      ["y", ["–", "1.0 × 10⁻⁹", "2,000"]],
    ]);
    assert.deepEqual(tell(p, at, false), [["y", ["1.0 × 10⁻⁹ to 2,000"]]]);
  }
});

test("melodies: notes in the order of time, by name", () => {
  const p = { kind: "roll", title: "", pitch: [64, 60, Number.NaN], start: [1, 0, 2], beats: [1, 1, 1] };
  assert.deepEqual(
    notesOf(p, at).map((n) => n.pitch),
    [60, 64],
  );
  assert.deepEqual([60, 69, 61, 21].map(noteName), ["C4", "A4", "C♯4", "A0"]);
  assert.deepEqual(tell(p, at, false), [["melody", ["2 notes, 2 beats"]]]);
});
