// The forms in which a table holds numbers, and the place of a row in it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reader, unpack } from "../../course_pkg/widgets/table.js";

const base64 = (array) => Buffer.from(array.buffer).toString("base64");
const slot = (type, array, more = {}) => ({ type, shape: [array.length], data: base64(array), ...more });

test("floats come back as they are", () => {
  assert.deepEqual([...unpack(slot("f32", Float32Array.of(1.5, -2)))], [1.5, -2]);
  assert.deepEqual([...unpack(slot("f64", Float64Array.of(1e-300, 0.1)))], [1e-300, 0.1]);
});

test("whole numbers are steps above the lowest, and the last one is a gap", () => {
  assert.deepEqual([...unpack(slot("u8", Uint8Array.of(0, 3, 255), { low: -1, step: 0.5 }))], [-1, 0.5, Number.NaN]);
  assert.deepEqual([...unpack(slot("u16", Uint16Array.of(2, 65535), { low: 0, step: 10 }))], [20, Number.NaN]);
});

test("on a logarithmic axis they are steps of the exponent", () => {
  assert.deepEqual([...unpack(slot("u16", Uint16Array.of(0, 2), { low: -3, step: 1, log: true }))], [1e-3, 0.1]);
});

test("values for which the steps are too coarse stand beside them", () => {
  const fix = { at: base64(Uint32Array.of(1)), to: base64(Float32Array.of(0.25)) };
  assert.deepEqual([...unpack(slot("u16", Uint16Array.of(0, 0, 1), { low: 0, step: 1, fix }))], [0, 0.25, 1]);
});

test("a position of the controls picks its row; an axis that changes nothing is stored once", () => {
  const controls = [{ name: "a" }, { name: "b" }, { name: "c" }];
  const values = Float64Array.from({ length: 12 }, (_, k) => k);
  const read = reader({ ...slot("f64", values), shape: [3, 1, 2, 2] }, controls);
  assert.deepEqual([...read({ a: 0, b: 0, c: 0 })], [0, 1]);
  assert.deepEqual([...read({ a: 2, b: 7, c: 1 })], [10, 11]);
  assert.deepEqual([...reader(slot("f64", values), [])({})], [...values]);
});
