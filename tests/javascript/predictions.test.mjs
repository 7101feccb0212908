// A prediction: the number in what was typed, the gap in words, the figure's own numbers, what the browser keeps.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Answers } from "../../book/_page/answers.js";
import { choiceGap, curveGap, numberGap, numberIn } from "../../book/_page/gaps.js";
import { bendsOf, spread } from "../../book/_page/pad.js";
import { numbersOf, positionOf, truth } from "../../book/_page/values.js";

let kept;
beforeEach(() => {
  kept = new Map();
  globalThis.localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
});

const numbers = (...values) => Buffer.from(Float64Array.from(values).buffer).toString("base64");
const spec = {
  title: "A figure",
  controls: [{ name: "w", values: [0.1, 0.2, 0.3], value: 0.1 }],
  panels: [
    { kind: "lines", x: { slot: 0 }, x_label: "step", curves: [{ name: "h", y: { slot: 1 } }], marks: [] },
    { kind: "numbers", items: [{ name: "left", value: { slot: 2 } }] },
  ],
  table: [
    { type: "f64", shape: [1, 2], data: numbers(0, 1) },
    { type: "f64", shape: [3, 2], data: numbers(1, 0.1, 1, 0.2, 1, Number.NaN) },
    { type: "f64", shape: [3, 1], data: numbers(0.1, 0.2, 0.3) },
  ],
};

test("numbers as people write them, and nothing else", () => {
  const written = { 3: 3, "0,5": 0.5, "−3": -3, "1/4": 0.25, " +2 ": 2, ".5": 0.5, "1e-4": 1e-4, "4,800": 4800 };
  for (const [text, value] of Object.entries(written)) assert.equal(numberIn(text), value, text);
  for (const text of ["", "three", "1/2/3", "2 steps", "/", "Infinity"]) assert.ok(Number.isNaN(numberIn(text)), text);
});

test("the gap is told as a number, and as a factor where it is large", () => {
  assert.equal(numberGap(7, 7).words, "That is your number.");
  assert.equal(numberGap(5, 7, "steps").words, "Your number is 2 steps less.");
  assert.equal(numberGap(21, 7).words, "Your number is 14 more, 3 times as much.");
  assert.ok(numberGap(0.26, 0.25).close);
  assert.ok(!numberGap(6, 7).close);
  assert.ok(!numberGap(0.1, 0).close);
  assert.ok(numberGap(0.1, 0, "", 0.1).close);
  assert.equal(numberGap(-1, 1).words, "Your number is 2 less.");
});

test("a choice says what is shown, whether it was chosen or not", () => {
  assert.deepEqual(choiceGap(["a", "b"], 1, 0), {
    said: "b",
    shown: "a",
    close: false,
    words: "You chose another answer.",
  });
  assert.ok(choiceGap(["a", "b"], 0, 0).close);
});

test("a line is compared on the axes where it was drawn, gaps in the curve left out", () => {
  const gap = curveGap([0, 1, 0.5], [0, 0.5, Number.NaN], [3, 4, 5], [0, 1], false, "step");
  assert.match(gap.words, /on average 25 % of the height away, at most 50 %, above it at step 4\./);
  assert.ok(!gap.close);
  const log = curveGap([1, 0.01], [1, 0.1], [0, 1], [-4, 0], true, "lag");
  assert.match(log.words, /at most 25 %, below it at lag 1\./);
  assert.ok(curveGap([0, 1], [0, 1], [0, 1], [0, 1], false, "x").close);
});

test("a drawn line goes through its bends", () => {
  assert.deepEqual(bendsOf(3), [0, 1, 2]);
  assert.equal(bendsOf(500).length, 61);
  assert.deepEqual(spread([0, 4, 2], [0, 2, 3], 4), [0, 2, 4, 2]);
});

test("a figure's numbers by name, at any position of its controls", () => {
  const when = numbersOf(spec);
  assert.deepEqual(when({ w: 0.2 })("h"), [1, 0.2]);
  assert.deepEqual(when()("left"), [0.1]);
  assert.deepEqual(positionOf(spec, { w: 0.1 + 0.2 }), { w: 2 });
  assert.throws(() => when({ u: 1 })("h"), /A figure: no control u, only w/);
  assert.throws(() => when({ w: 1 })("h"), /A figure: w has no value 1, only 0.1, 0.2, 0.3/);
  assert.throws(() => when({})("g"), /A figure: 0 things are called g, wanted one/);
});

test("what is right comes from the table", () => {
  const at = { w: 0.2 };
  assert.deepEqual(truth({ kind: "number", at, value: ({ now }) => now("left")[0] }, spec), { value: 0.2 });
  assert.deepEqual(truth({ kind: "draw", at, curve: "h" }, spec), { y: [1, 0.2] });
  const options = ["low", "high", "higher"];
  const which = ({ grid, when, largest }) => largest(grid("w").map((w) => when({ w })("left")[0]));
  assert.deepEqual(truth({ kind: "choose", at, options, which }, spec), { right: [2] });
  const holds = [({ now }) => now("left")[0] < 0.15, ({ now }) => now("left")[0] > 0.15, () => true];
  assert.deepEqual(truth({ kind: "choose", at, options, holds }, spec), { right: [1, 2] }); // a test of the book refuses two
});

test("answers are kept for their page, found again, copied and cleared", () => {
  const answer = { figure: "Figure 7.1", asked: "How many?", value: 5, said: "5", shown: "7", close: false };
  new Answers("07-lstm").set("a", answer);
  assert.deepEqual([...kept.keys()], ["course-predictions 07-lstm"]);
  const again = new Answers("07-lstm");
  assert.deepEqual(again.get("a"), answer);
  assert.equal(new Answers("08-gru").get("a"), undefined);
  assert.match(again.asText("Mine"), /^Mine\n\nFigure 7\.1: How many\?\n {2}I said: 5\n {2}The figure shows: 7$/);
  again.clear();
  assert.equal(kept.size, 0);
});

test("an entry that is not ours, and a browser that keeps nothing, are no trouble", () => {
  for (const text of ["{", "[1]", "3", "null"]) {
    kept.set("course-predictions x", text);
    assert.equal(new Answers("x").get("a"), undefined);
  }
  const refuse = () => {
    throw new Error("denied");
  };
  globalThis.localStorage = { getItem: refuse, setItem: refuse, removeItem: refuse };
  const answers = new Answers("x");
  answers.set("a", { said: "5" });
  assert.equal(answers.get("a").said, "5");
});
