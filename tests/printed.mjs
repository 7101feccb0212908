// What the page prints: the page's own script over the page's own tables. See page_script.py.
//   node printed.mjs SCRIPT TABLES
// SCRIPT: the module of a page, with reader, tell and written exported. TABLES: a JSON file with the data of the
// figures. Writes a JSON list to stdout: for each figure the fingerprint of every position, as told.py makes them.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

globalThis.document = { querySelectorAll: () => [] }; // the script looks for figures to draw

const [script, tables] = process.argv.slice(2);
const { reader, tell, written } = await import(pathToFileURL(script));

// Every position of the controls, the last control moving fastest.
function* positions(controls) {
  if (controls.length === 0) {
    yield {};
    return;
  }
  const last = controls.at(-1);
  for (const before of positions(controls.slice(0, -1))) {
    for (let k = 0; k < last.values.length; k++) {
      yield { ...before, [last.name]: k };
    }
  }
}

function fingerprints(figure) {
  const readers = figure.table.map((slot) => reader(slot, figure.controls));
  return Array.from(positions(figure.controls), (position) => {
    const now = readers.map((read) => read(position));
    const at = (ref) => now[ref.slot];
    const said = figure.panels.map((p) => [tell(p, at, true), tell(p, at, false), written(p, at)]);
    return createHash("sha256").update(JSON.stringify(said)).digest("hex").slice(0, 16);
  });
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(tables, "utf-8")).map(fingerprints)));
