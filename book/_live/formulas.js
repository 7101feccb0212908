// Formulas in dollars, as Python's tools write them, in the delimiters that the book's MathJax knows.

/** One formula with its dollars, as \(…\) or \[…\]. */
export const delimited = (formula) =>
  formula.startsWith("$$") ? `\\[${formula.slice(2, -2)}\\]` : `\\(${formula.slice(1, -1)}\\)`;

export const FORMULA = /\$\$[\s\S]+?\$\$|\$(?!\s)(?:\\.|[^$\\\n])+?\$/g;
