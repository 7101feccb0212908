// Markdown that a cell shows. Maths between dollar signs is left for MathJax.
import MarkdownIt from "markdown-it";

import { delimited, FORMULA } from "./formulas.js";

const parser = new MarkdownIt({ html: true });
const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

/** HTML with each formula in the delimiters that the book's MathJax knows. */
export function render(text) {
  const kept = [];
  const marked = text.replace(FORMULA, (formula) => `\uE000${kept.push(formula) - 1}\uE001`);
  return parser.render(marked).replace(/\uE000(\d+)\uE001/g, (_, k) => delimited(escaped(kept[k])));
}
