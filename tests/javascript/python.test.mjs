// Python in a worker, as the page sees it: here with a worker that is only a record of what it was asked.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Python, Stopped } from "../../book/_live/python.js";

const kept = { fetch: globalThis.fetch, Worker: globalThis.Worker };
let worker;

beforeEach(() => {
  globalThis.fetch = async () => ({ ok: true, json: async () => ({ pyodide: "pyodide", lock: "", stdlib: "" }) });
  globalThis.Worker = class {
    constructor() {
      worker = this;
      this.asked = [];
    }
    postMessage(message) {
      this.asked.push(message);
    }
    terminate() {}
  };
});
afterEach(() => Object.assign(globalThis, kept));

const turn = () => new Promise((done) => setImmediate(done));

async function starting() {
  const heard = [];
  const python = new Python(
    "https://site.example/live/",
    () => {},
    ({ text }) => heard.push(text),
  );
  const started = python.start();
  await turn();
  return { python, started, heard };
}

test("how far the fetching is, is told while Python starts and not after", async () => {
  const { started, heard } = await starting();
  worker.onmessage({ data: { progress: { text: "Fetching Python" } } });
  worker.onmessage({ data: { id: worker.asked[0].id, value: [] } });
  assert.equal(await started, "");
  worker.onmessage({ data: { progress: { text: "Fetching Python" } } });
  assert.deepEqual(heard, ["Fetching Python"]);
});

test("who waits for a worker that is stopped is told so", async () => {
  const { python, started } = await starting();
  python.stop();
  await assert.rejects(started, Stopped);
});

/** Python that has started, with a record of its deaths. */
async function running() {
  const deaths = [];
  const python = new Python(
    "https://site.example/live/",
    () => {},
    () => {},
    (error) => deaths.push(error.message),
  );
  const started = python.start();
  await turn();
  worker.onmessage({ data: { id: worker.asked[0].id, value: [] } });
  await started;
  return { python, deaths };
}

const ends = {
  "Python says that it broke": () => worker.onmessage({ data: { fatal: "stack" } }),
  "the browser has no memory left for it": () => worker.onerror({ message: "out of memory" }),
  "an answer cannot be read": () => worker.onmessageerror(),
};
for (const [how, end] of Object.entries(ends))
  test(`a worker that dies is told of once, and whoever waits is told: ${how}`, async () => {
    const { python, deaths } = await running();
    const asked = python.ask("run");
    end();
    end();
    await assert.rejects(asked, Error);
    assert.equal(deaths.length, 1);
    await assert.rejects(python.ask("run")); // and nobody waits for it again
  });

test("a worker that ends without a word is found by its lock", async () => {
  let granted;
  const locks = { request: (_name, _options, gone) => new Promise((done) => (granted = () => done(gone()))) };
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  const { python, deaths } = await running();
  worker.onmessage({ data: { holds: worker.asked[0].life } });
  const asked = python.ask("run");
  granted();
  await assert.rejects(asked, /worker has ended/);
  assert.equal(deaths.length, 1);
});

test("Stop is no death, and neither is an error that nobody caught", async () => {
  const { python, deaths } = await running();
  worker.onerror({ message: "Uncaught TypeError: a callback failed" });
  python.stop();
  assert.deepEqual(deaths, []);
});

test("a worker that breaks while it starts ends the start with a sentence", async () => {
  const { started } = await starting();
  worker.onerror({ message: "RangeError: out of memory" });
  await assert.rejects(started, /too little free memory/);
});
