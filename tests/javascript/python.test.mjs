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
  const python = new Python("https://site.example/live/", () => {}, ({ text }) => heard.push(text));
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
