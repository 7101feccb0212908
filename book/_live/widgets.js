// The widgets that Python has made. An anywidget (the course's figures are) is drawn by the few lines below; what
// draws plain ipywidgets is fetched with the first of them that is shown.

import { moduleOf, styleOf } from "./anywidget.js";

const bytes = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);

/** Put binary values in their places. */
function place(state, paths = [], buffers = []) {
  paths.forEach((path, k) => {
    const owner = path.slice(0, -1).reduce((part, key) => part[key], state);
    owner[path.at(-1)] = bytes(buffers[k]);
  });
  return state;
}

/** One widget's line to Python, in the form that Jupyter's widget manager wants. */
class Comm {
  constructor(content, buffers, send) {
    this.comm_id = content.comm_id;
    this.target_name = content.target_name;
    this.send_ = send;
    this.heard = [];
    this.closed = [];
    this.captured = [];
    this.state = place(content.data.state, content.data.buffer_paths, buffers);
  }

  on_msg(callback) {
    this.heard.push(callback);
  }

  on_close(callback) {
    this.closed.push(callback);
  }

  open() {}

  close() {
    return "";
  }

  send(data, callbacks, _metadata, buffers = []) {
    if (data.method === "update") Object.assign(this.state, data.state);
    const { id, done } = this.send_({ comm_id: this.comm_id, data }, buffers);
    done
      .finally(() =>
        callbacks?.iopub?.status?.({ content: { execution_state: "idle" }, parent_header: { msg_id: id } }),
      )
      .catch(() => {});
    return id;
  }

  receive(content, buffers) {
    const { data } = content;
    const state = data.method === "update" && place(data.state, data.buffer_paths, buffers);
    if (state) Object.assign(this.state, state);
    const sent = state ? { ...content, data: { ...data, buffer_paths: [] } } : content;
    for (const callback of this.heard) callback({ content: sent, buffers: (buffers ?? []).map(bytes), metadata: {} });
  }

  /** What is printed or shown inside `with Output():` belongs to the widget. */
  capture(output) {
    const cleared = output.output_type === "clear_output";
    this.state.outputs = cleared ? [] : [...(this.state.outputs ?? []), output];
    for (const callback of this.captured) callback(output);
  }
}

/** What anywidget gives to a widget's own code. Python gets one change at a time, and the newest of those that wait. */
class Model {
  constructor(comm) {
    this.comm = comm;
    this.changed = {};
    this.listeners = new Map();
    this.busy = false;
    comm.on_msg(({ content, buffers }) => {
      const { data } = content;
      if (data.method === "custom") return this.tell("msg:custom", data.content, buffers);
      for (const name of Object.keys(data.state ?? {})) this.tell(`change:${name}`);
    });
  }

  get(name) {
    return this.comm.state[name];
  }

  set(name, value) {
    this.comm.state[name] = this.changed[name] = value;
  }

  save_changes() {
    if (this.busy || !Object.keys(this.changed).length) return;
    this.busy = true;
    const state = this.changed;
    this.changed = {};
    this.comm.send(
      { method: "update", state, buffer_paths: [] },
      {
        iopub: {
          status: () => {
            this.busy = false;
            this.save_changes();
          },
        },
      },
    );
  }

  send(content) {
    this.comm.send({ method: "custom", content });
  }

  on(name, callback) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), callback]);
  }

  off(name, callback) {
    this.listeners.set(
      name,
      (this.listeners.get(name) ?? []).filter((c) => callback && c !== callback),
    );
  }

  tell(name, ...values) {
    for (const callback of this.listeners.get(name) ?? []) callback(...values);
  }
}

export class Widgets {
  /** send(content, buffers) hands a message to Python and gives {id, done}. */
  constructor(send) {
    this.send = send;
    this.comms = new Map();
    this.manager = null;
  }

  receive({ type, content, metadata }, buffers) {
    if (type === "comm_open") {
      const comm = new Comm(content, buffers, this.send);
      this.comms.set(comm.comm_id, comm);
      this.manager?.then((manager) => manager.adopt(comm));
      return;
    }
    const comm = this.comms.get(content.comm_id);
    if (type === "comm_close") {
      this.comms.delete(content.comm_id);
      for (const callback of comm?.closed ?? []) callback({ content, metadata });
      return;
    }
    const wasOpen = comm?.state.msg_id;
    comm?.receive(content, buffers);
    // Python learns what an Output holds when it is closed.
    if (wasOpen && comm.state.msg_id === "")
      comm.send({ method: "update", state: { outputs: comm.state.outputs }, buffer_paths: [] });
  }

  /** The Output widget that is open for what `parent` causes, if any; the one opened last. */
  openOutput(parent) {
    return [...this.comms.values()]
      .filter((c) => c.state._model_name === "OutputModel" && c.state.msg_id === parent)
      .at(-1);
  }

  async show(id, box) {
    const comm = this.comms.get(id);
    if (!comm) throw new Error(`no widget ${id}`);
    if (comm.state._model_module === "anywidget" && !this.manager) {
      styleOf(comm.state);
      const { render } = await moduleOf(comm.state._esm);
      await render({ model: new Model(comm), el: box });
      return;
    }
    this.manager ??= import("./ipywidgets.js").then(({ Manager }) => new Manager([...this.comms.values()]));
    const manager = await this.manager.catch((error) => {
      this.manager = null; // the next one asks again
      throw error;
    });
    await manager.show(id, box);
  }
}
