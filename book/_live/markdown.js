// Markdown that a cell shows. Maths between dollar signs is left for MathJax.
import MarkdownIt from "markdown-it";

const KEPT = /\$\$[\s\S]+?\$\$|\$(?!\s)(?:\\.|[^$\\\n])+?\$/g;
const parser = new MarkdownIt({ html: true });
const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]);

/** HTML with each formula in the delimiters that the book's MathJax knows. */
export function render(text) {
  const kept = [];
  const marked = text.replace(KEPT, (formula) => `\uE000${kept.push(formula) - 1}\uE001`);
  return parser.render(marked).replace(/\uE000(\d+)\uE001/g, (_, k) => {
    const formula = escaped(kept[k]);
    return formula.startsWith("$$") ? `\\[${formula.slice(2, -2)}\\]` : `\\(${formula.slice(1, -1)}\\)`;
  });
}
