// What the figures of a page say to the questions before them: the page's own script over the page's own tables.
//   node predicted.mjs SCRIPT TABLES
// SCRIPT: the module of a page, with PREDICTIONS and truth exported. TABLES: a JSON file with the data of the figures.
// Writes a JSON list to stdout: for each box, for each question, what is right or the error that it gave.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

globalThis.document = { querySelectorAll: () => [] }; // the script looks for figures to draw and boxes to fill

const [script, tables] = process.argv.slice(2);
const { PREDICTIONS, truth } = await import(pathToFileURL(script));
const specs = JSON.parse(readFileSync(tables, "utf-8"));

const judged = PREDICTIONS.map(({ figure, questions }) =>
  questions.map((question) => {
    const { kind, asked, ask, options } = question;
    try {
      return { kind, asked, ask, options, figure: specs[figure].title, ...truth(question, specs[figure]) };
    } catch (error) {
      return { kind, asked, ask, options, figure: specs[figure].title, error: String(error) };
    }
  }),
);
process.stdout.write(JSON.stringify(judged));
