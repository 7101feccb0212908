// Pyodide under Node with the shell of the pages and glue.py, put together as live/worker.js does; without NumPy.
//   node pyodide.mjs PYODIDE LIVE < [{"operation", "arguments"}, …] > [{"value" or "error", "published"}, …]
// PYODIDE is the npm package, LIVE a folder with the lock, its wheels and the sources in Python.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stdin, stdout } from "node:process";
import { pathToFileURL } from "node:url";

const [core, live] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(core, "pyodide.mjs")).href);
const asked = [];
for await (const piece of stdin) asked.push(piece);
const steps = JSON.parse(Buffer.concat(asked).toString("utf8"));

const python = await loadPyodide({
  indexURL: core,
  lockFileContents: JSON.parse(await readFile(join(live, "pyodide-lock.json"), "utf8")),
  packageBaseUrl: live,
  packages: ["pyodide-kernel", "tqdm"],
  env: { JUPYTER_WIDGETS_ECHO: "0" },
  stdout: () => {},
  stderr: () => {},
});
let published = [];
globalThis.publish = (message) => published.push(JSON.parse(message));
for (const name of ["glue.py", "limits.py", "torchless.py"])
  python.FS.writeFile(name, await readFile(join(live, name), "utf8"));
const glue = python.pyimport("glue");
const answers = [];
for (const { operation, arguments: values } of steps) {
  published = [];
  try {
    answers.push({ value: await glue[operation](...values), published });
  } catch (error) {
    answers.push({ error: String(error), published });
  }
}
stdout.write(JSON.stringify(answers));
process.exitCode = 0;
