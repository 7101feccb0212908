// Numbers as text, ticks and scales.
import assert from "node:assert/strict";
import { test } from "node:test";
import { extent, fixed, format, niceTicks, path, spelled } from "../../course_pkg/widgets/marks.js";

test("a number is said in three digits, small and large ones by their power of ten", () => {
  const said = [0, 0.5, -0.12345, 1.2345, 123.45, 1234.5, -999999, 1e6, 2.55e-4, Number.NaN, -Infinity].map((v) =>
    format(v),
  );
  const wanted = ["0", "0.5", "−0.123", "1.23", "123", "1,235", "−999,999", "1.0 × 10⁶", "2.6 × 10⁻⁴", "–", "–"];
  assert.deepEqual(said, wanted);
});

test("the digits can be asked for", () => {
  assert.deepEqual(
    [1, 2, 4].map((digits) => format(2 / 3, digits)),
    ["0.7", "0.67", "0.6667"],
  );
  assert.equal(format(12345678, 4), "1.23 × 10⁷");
});

test("decimals are fixed, and nothing is minus zero", () => {
  assert.deepEqual(
    [0.125, -0.001, -1.5, Number.NaN].map((v) => fixed(v, 2)),
    ["0.13", "0.00", "−1.50", ""],
  );
  assert.equal(fixed(-0.4, 0), "0");
});

test("ticks are round numbers within the range, about as many as asked for", () => {
  for (const [low, high, count] of [
    [0, 1, 5],
    [-3, 7, 4],
    [0.001, 0.0022, 6],
    [-1e6, 2e6, 3],
  ]) {
    const ticks = niceTicks(low, high, count);
    const step = ticks[1] - ticks[0];
    assert.ok(ticks.length >= 2 && ticks.length <= 2 * count + 1, `${ticks}`);
    assert.ok(ticks[0] >= low - 1e-9 * step && ticks.at(-1) <= high + 1e-9 * step);
    assert.match((step / 10 ** Math.floor(Math.log10(step) + 1e-9)).toFixed(6), /^(1|2|5|10)\.0+$/);
  }
});

test("an axis spans what is known, with room around it", () => {
  assert.deepEqual(extent([[1, Number.NaN], [3]]), [0.9, 3.1]);
  assert.deepEqual(extent([[5]]), [4.5, 5.5]);
  assert.deepEqual(extent([[Number.NaN]]), [0, 1]);
  assert.deepEqual(extent([[1, 2]], [0, 9]), [0, 9]);
});

test("a curve breaks where it is not known", () => {
  const box = { left: 0, right: 10, top: 0, bottom: 10 };
  const same = (v) => v;
  assert.equal(path([0, 1, 2, 3], [1, Number.NaN, 2, 3], same, same, box), "M0.0,1.0M2.0,2.0L3.0,3.0");
});

test("a text that changes travels as places in a vocabulary", () => {
  const at = () => [1, Number.NaN, 0];
  assert.deepEqual(spelled({ vocabulary: ["a", "b"], ids: { slot: 0 } }, at), ["b", "", "a"]);
  assert.deepEqual(spelled(["x"], at), ["x"]);
});
