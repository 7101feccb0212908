// Compiles Python to bytecode with Pyodide itself, so that the bytecode is the one that it reads.
//   node compile.mjs IN.zip OUT.zip
// IN holds sources, each below the folder that it will be imported from; OUT gets a .pyc for each that compiles.

import { readFile, writeFile } from "node:fs/promises";
import { loadPyodide } from "pyodide";

const [from, to] = process.argv.slice(2);
const python = await loadPyodide({ env: { PYTHONHASHSEED: "0" } });
python.FS.writeFile("/in.zip", await readFile(from));
python.runPython(await readFile(new URL("compile.py", import.meta.url), "utf8"));
await writeFile(to, python.FS.readFile("/out.zip"));
