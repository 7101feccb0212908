// When a review card comes back: SM-2 as published, the cards of a day, and what the browser kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dayOf, GRADES, graded, inWords, recall, store, todays } from "../../book/_page/schedule.js";

const answered = (...words) => words.reduce((card, word) => graded(card, GRADES[word], card?.due ?? 100), undefined);
const storage = (text) => ({
  getItem: () => text,
  setItem: (_, value) => {
    text = value;
  },
});

test("waits are 1 day, 6 days and then longer by the ease, which the answers change", () => {
  assert.deepEqual(answered("Good"), { ease: 2.5, times: 1, wait: 1, due: 101 });
  assert.deepEqual(answered("Good", "Good"), { ease: 2.5, times: 2, wait: 6, due: 107 });
  assert.deepEqual(answered("Good", "Good", "Good"), { ease: 2.5, times: 3, wait: 15, due: 122 });
  assert.ok(Math.abs(answered("Easy").ease - 2.6) < 1e-12);
  assert.ok(Math.abs(answered("Hard").ease - 2.36) < 1e-12);
  assert.equal(answered(...Array(30).fill("Hard")).ease, 1.3);
});

test("a forgotten card begins again today and keeps its ease", () => {
  const card = answered("Easy", "Easy", "Again");
  assert.deepEqual([card.times, card.wait, card.due], [0, 0, 107]);
  assert.ok(Math.abs(card.ease - 2.7) < 1e-12);
  assert.equal(graded(card, GRADES.Good, 107).wait, 1);
});

test("the longest overdue comes first, then at most ten new ones a day", () => {
  const names = [..."abcdefghijklmnop"];
  const card = (due) => ({ ease: 2.5, times: 1, wait: 1, due });
  const kept = { cards: { b: card(9), d: card(3), e: card(11) }, begun: { day: 10, count: 0 } };
  assert.deepEqual(todays(names, kept, 10), ["d", "b", "a", "c", ..."fghijklm"]);
  kept.begun.count = 9;
  assert.deepEqual(todays(names, kept, 10), ["d", "b", "a"]);
  assert.equal(todays(names, kept, 12).length, 13); // the next days: three are due, ten may be new
  assert.deepEqual(todays([], kept, 10), []);
});

test("a day ends at the reader's own midnight", () => {
  const evening = new Date(2026, 0, 5, 23, 59);
  assert.equal(dayOf(new Date(2026, 0, 6, 0, 1)), dayOf(evening) + 1);
  assert.equal(dayOf(new Date(2026, 0, 5, 0, 1)), dayOf(evening));
});

test("what was kept comes back, and what is broken is let go", () => {
  const place = storage(null);
  const kept = { ...recall(place), cards: { a: answered("Good") } };
  assert.ok(store(place, kept));
  assert.deepEqual(recall(place), kept);
  for (const text of [
    "",
    "{",
    "7",
    "[]",
    '{"cards": 3}',
    '{"cards": {"a": {"due": "x"}}, "begun": 1, "upTo": "all"}',
  ]) {
    assert.deepEqual(recall(storage(text)), { cards: {}, begun: { day: 0, count: 0 }, upTo: null }, text);
  }
  const full = {
    getItem: () => null,
    setItem: () => {
      throw new Error("full");
    },
  };
  assert.equal(store(full, kept), false);
});

test("waits in words", () => {
  assert.deepEqual([0, 1, 15, 90].map(inWords), ["today", "1 day", "15 days", "3 months"]);
});
