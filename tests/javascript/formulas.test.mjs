// A formula that Python's tools write between dollars, as the book's MathJax wants it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { delimited, FORMULA } from "../../book/_live/formulas.js";

test("dollars become the delimiters that MathJax knows, and a price stays one", () => {
  const of = (text) => text.replace(FORMULA, delimited);
  assert.equal(of("$\\displaystyle \\frac12$"), "\\(\\displaystyle \\frac12\\)");
  assert.equal(of("$$a\nb$$"), "\\[a\nb\\]");
  assert.equal(of("f $x$ and $y$"), "f \\(x\\) and \\(y\\)");
  assert.equal(of("5 $"), "5 $");
});
