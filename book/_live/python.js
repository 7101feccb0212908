// Python in a worker, as the page sees it.

// A module with one `try` block: what Pyodide 0.29 is compiled to needs WebAssembly exceptions.
const WITH_EXCEPTIONS = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 8, 1, 6, 0, 6, 64, 25, 11, 11];
export const MEMORY = /out of memory|allocat/i;
const READ_ON = "The page works without it.";

/** An error with a sentence for the reader in `said`. */
export class Trouble extends Error {
  constructor(said, cause) {
    super(said, { cause });
    this.said = said;
  }
}

/** Thrown to whoever waits for a worker that was ended. */
export class Stopped extends Error {}

export function checkBrowser() {
  const able =
    typeof Worker === "function" &&
    typeof WebAssembly === "object" &&
    WebAssembly.validate(new Uint8Array(WITH_EXCEPTIONS));
  if (!able)
    throw new Trouble(
      `This browser is too old to run Python; a current Firefox, Chrome, Edge or Safari can. ${READ_ON}`,
    );
}

export function explain(error, source) {
  const text = String(error?.message ?? error);
  if (/memory|allocat/i.test(text))
    return new Trouble(`This device has too little free memory to run Python. ${READ_ON}`, error);
  if (/fetch|network|load|import|status|integrity|40\d|50\d/i.test(text)) {
    return new Trouble(
      `Python could not be fetched from ${source}: the network is away or blocks that address. ${READ_ON}`,
      error,
    );
  }
  return new Trouble(`Python did not start (${text.trim().split("\n").at(-1)}). ${READ_ON}`, error);
}

export class Python {
  /** `live` is the address of the folder live/; told(message, buffers) gets what Python publishes; died(error) is
   * called when a Python that had started is no more, unless it was stopped. */
  constructor(live, told, progress, died = (_error) => {}) {
    this.live = live;
    this.told = told;
    this.progress = progress;
    this.died = died;
    this.started = false;
    this.over = null; // why it has ended
    this.ending = new AbortController();
    this.waiting = new Map();
    this.count = 0;
  }

  /** Start it. Gives a sentence about what could not be fetched, if Python runs without it. */
  async start() {
    checkBrowser();
    let runtime;
    try {
      const answer = await fetch(new URL("runtime.json", this.live));
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      runtime = await answer.json();
    } catch (error) {
      throw explain(new Error(`fetch: ${error.message}`), new URL(this.live).host || "the site");
    }
    const pyodide = new URL(runtime.pyodide.replace(/\/?$/, "/"), this.live);
    const here = (name) => name && new URL(name, this.live).href;
    if (this.over) throw this.over;
    this.worker = new Worker(new URL("worker.js", this.live));
    this.worker.onmessage = ({ data }) => this.#receive(data);
    this.worker.onerror = ({ message }) => {
      // Once it runs, an error that nobody caught need not be its end; the two other ways tell when it is.
      if (!this.started || MEMORY.test(message)) this.#end(new Error(message || "network: the worker did not load"));
    };
    this.worker.onmessageerror = () => this.#end(new Error("a message could not be read"));
    try {
      const missing = await this.ask("start", {
        pyodide: pyodide.href,
        lock: here(runtime.lock),
        stdlib: here(runtime.stdlib),
        life: `Python ${crypto.randomUUID?.() ?? Math.random()}`,
      });
      this.started = true;
      return missing.length ? `${missing.join(", ")} could not be fetched; cells that need it will fail.` : "";
    } catch (error) {
      if (error instanceof Stopped) throw error;
      this.stop();
      throw explain(error, pyodide.host);
    } finally {
      this.progress = () => {}; // a late report of what was fetched would write over "Python is ready"
    }
  }

  /** Ask the worker for one of its operations; rejects with Stopped when it is ended meanwhile. */
  ask(operation, fields = {}, transfer = []) {
    if (this.over) return Promise.reject(this.over);
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.count, { resolve, reject });
      this.worker.postMessage({ id: this.count, operation, ...fields }, transfer);
    });
  }

  /** End Python, whatever it is doing. A site on a static host has no gentler way to stop a loop. */
  stop() {
    this.#end(new Stopped("stopped"));
  }

  /** It is no more, for whatever reason: whoever waits is told, and whoever wanted to know. */
  #end(error) {
    if (this.over) return;
    this.over = error;
    this.worker?.terminate();
    this.ending.abort();
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
    if (this.started && !(error instanceof Stopped)) this.died(error);
  }

  /** The worker holds a lock for as long as it lives, however it ends; this waits for it. */
  #watch(life) {
    const gone = () => this.#end(new Error("the worker has ended"));
    navigator.locks.request(life, { signal: this.ending.signal }, gone).catch(() => {}); // it was stopped
  }

  #receive({ id, value, error, published, buffers, progress, fatal, holds }) {
    if (progress) return this.progress(progress);
    if (holds) return this.#watch(holds);
    if (fatal) return this.#end(new Error(fatal));
    if (published) return this.told(JSON.parse(published), buffers);
    const { resolve, reject } = this.waiting.get(id) ?? {};
    this.waiting.delete(id);
    if (error) reject?.(new Error(error));
    else resolve?.(value);
  }
}
