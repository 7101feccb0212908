// What a reader wrote into a cell is there at the next visit, as long as the book's own cell is the same.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Draft, hash } from "../../book/_live/drafts.js";

let kept;
beforeEach(() => {
  kept = new Map();
  globalThis.localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
});

test("a draft belongs to a page, a cell and what the book has in it", () => {
  new Draft("/a.html", 1, "x = 1").write("x = 2");
  assert.equal(new Draft("/a.html", 1, "x = 1").read(), "x = 2");
  assert.equal(new Draft("/b.html", 1, "x = 1").read(), null);
  assert.equal(new Draft("/a.html", 2, "x = 1").read(), null);
  assert.equal(new Draft("/a.html", 1, "x = 3").read(), null);
});

test("what the book has itself is not kept", () => {
  const draft = new Draft("/a.html", 1, "x = 1");
  draft.write("x = 2");
  draft.write("x = 1");
  assert.equal(kept.size, 0);
  assert.equal(draft.read(), null);
});

test("a browser that keeps nothing is no trouble", () => {
  const refuse = () => {
    throw new Error("denied");
  };
  globalThis.localStorage = { getItem: refuse, setItem: refuse, removeItem: refuse };
  const draft = new Draft("/a.html", 1, "x = 1");
  draft.write("x = 2");
  assert.equal(draft.read(), null);
});

test("the hash is FNV-1a", () => {
  assert.equal(hash(""), "811c9dc5");
  assert.equal(hash("a"), "e40c292c");
  assert.equal(hash("foobar"), "bf9cf968");
});
