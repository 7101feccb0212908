// Runs Python, away from the page so that the page stays alive. Loads Pyodide and, in it, the IPython shell of
// jupyterlite-pyodide-kernel; glue.py stands between that shell and the page.

const PACKAGES = ["pyodide-kernel", "numpy", "course-pkg"];
const OURS = ["limits.py", "torchless.py", "glue.py"]; // beside this file
const CORE_FILES = 4; // the script, its WebAssembly, the loader of both, the standard library

let glue;

/** All packages that `names` need, themselves included. */
function closure(names, packages) {
  const found = new Set();
  const add = (name) => {
    if (found.has(name) || !packages[name]) return;
    found.add(name);
    packages[name].depends.forEach(add);
  };
  names.forEach(add);
  return [...found];
}

async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`fetch: ${address}: status ${answer.status}`);
  return answer;
}

/** Tell the page how many of the files that are needed have come. */
function watch(total) {
  let count = 0;
  new PerformanceObserver((list) => {
    count += list.getEntries().length;
    postMessage({ progress: { text: "Fetching Python", done: Math.min(count, total), total } });
  }).observe({ type: "resource", buffered: true });
}

const operations = {
  async start({ pyodide, lock, stdlib, life }) {
    // Whoever waits for this lock gets it when the worker is no more.
    navigator.locks?.request(life, () => {
      postMessage({ holds: life });
      return new Promise(() => {});
    });
    const asked = fetched(lock).then((r) => r.json());
    const sources = OURS.map((name) => fetched(name).then((r) => r.text()));
    importScripts(`${pyodide}pyodide.js`);
    const contents = await asked;
    watch(closure(PACKAGES, contents.packages).length + CORE_FILES);
    const python = await self.loadPyodide({
      indexURL: pyodide,
      stdLibURL: stdlib, // ours, compiled; undefined for Pyodide's own
      lockFileContents: contents,
      packageBaseUrl: new URL(".", lock).href,
      packages: PACKAGES.filter((name) => contents.packages[name]),
      env: { JUPYTER_WIDGETS_ECHO: "0", OPENBLAS_NUM_THREADS: "1" },
    });
    // Python itself has broken: what was asked of it is never answered.
    python._api.on_fatal = (error) => postMessage({ fatal: String(error?.message || error) });
    const missing = PACKAGES.filter((name) => !python.loadedPackages[name]);
    if (missing.includes("pyodide-kernel")) throw new Error("fetch: the wheel of pyodide-kernel did not come");
    postMessage({ progress: { text: "Starting Python" } });
    self.publish = (published, buffers) => postMessage({ published, buffers: buffers?.toJs?.() ?? [] });
    for (const [k, name] of OURS.entries()) python.FS.writeFile(name, await sources[k]);
    glue = python.pyimport("glue");
    return missing;
  },
  plan: ({ sources }) => JSON.parse(glue.plan(JSON.stringify(sources))),
  warm: () => glue.warm(),
  run: ({ code, cell }) => glue.run(code, cell),
  widget: ({ message, content, buffers }) => glue.widget_message(message, JSON.stringify(content), buffers),
};

let last = Promise.resolve();
self.onmessage = ({ data: { id, operation, ...fields } }) => {
  last = last.then(async () => {
    try {
      postMessage({ id, value: await operations[operation](fields) });
    } catch (error) {
      postMessage({ id, error: String(error?.message ?? error) });
    }
  });
};
