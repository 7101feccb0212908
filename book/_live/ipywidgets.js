// Plain ipywidgets: sliders, boxes, outputs. Fetched only when a cell shows one.
import * as base from "@jupyter-widgets/base";
import { ManagerBase } from "@jupyter-widgets/base-manager";
import * as controls from "@jupyter-widgets/controls";
import "@jupyter-widgets/controls/css/labvariables.css";
import "@jupyter-widgets/controls/css/widgets-base.css";
import { Widget } from "@lumino/widgets";
import "@lumino/widgets/style/index.css";
import { moduleOf, styleOf } from "./anywidget.js";
import { Outputs } from "./outputs.js";

class AnyModel extends base.DOMWidgetModel {}

class AnyView extends base.DOMWidgetView {
  async render() {
    styleOf({ _css: this.model.get("_css"), _anywidget_id: this.model.get("_anywidget_id") });
    const { render } = await moduleOf(this.model.get("_esm"));
    await render({ model: this.model, el: this.el });
  }
}

class OutputModel extends base.DOMWidgetModel {
  defaults() {
    return { ...super.defaults(), msg_id: "", outputs: [] };
  }
}

class OutputView extends base.DOMWidgetView {
  render() {
    super.render();
    this.el.classList.add("widget-output");
    const { comm, widget_manager: manager } = this.model;
    const outputs = new Outputs(this.el, "this widget", (id, box) => manager.show(id, box));
    const all = () => {
      outputs.clear(false);
      for (const output of comm.state.outputs ?? []) outputs.add(output);
    };
    this.displayed.then(() => {
      all();
      this.model.on("change:outputs", all);
      comm.captured.push((output) =>
        output.output_type === "clear_output" ? outputs.clear(output.wait) : outputs.add(output),
      );
    });
  }
}

const MODULES = {
  "@jupyter-widgets/base": base,
  "@jupyter-widgets/controls": controls,
  "@jupyter-widgets/output": { OutputModel, OutputView },
  anywidget: { AnyModel, AnyView },
};

/** A slider's handle has no name of its own: give it the widget's label. */
function nameHandles(box) {
  for (const handle of box.querySelectorAll(".noUi-handle:not([aria-label])")) {
    handle.setAttribute(
      "aria-label",
      handle.closest(".jupyter-widgets").querySelector(".widget-label")?.textContent || "value",
    );
  }
}

/** Jupyter's own manager of widgets, in a page. */
export class Manager extends ManagerBase {
  constructor(comms) {
    super();
    // The controls ask for MathJax 2; the book has MathJax 3.
    const { MathJax } = window;
    if (MathJax && !MathJax.Hub) MathJax.Hub = { Queue: (task) => MathJax.typesetPromise?.([task[2]]) };
    this.styled = new Promise((ready) => {
      const style = Object.assign(document.createElement("link"), {
        rel: "stylesheet",
        href: new URL("ipywidgets.css", import.meta.url),
      });
      style.onload = style.onerror = ready;
      document.head.append(style);
    });
    for (const comm of comms) this.adopt(comm);
  }

  /** Make the model of a widget that Python has made. */
  adopt(comm) {
    const {
      _model_name: model_name,
      _model_module: model_module,
      _model_module_version: model_module_version,
    } = comm.state;
    return this.new_model({ model_name, model_module, model_module_version, comm }, { ...comm.state });
  }

  async loadClass(name, module) {
    const found = MODULES[module]?.[name];
    if (!found) throw new Error(`no widget ${name} of ${module} in this page`);
    return found;
  }

  async show(id, box) {
    await this.styled;
    new MutationObserver(() => nameHandles(box)).observe(box, { childList: true, subtree: true });
    const view = await this.create_view(await this.get_model(id));
    Widget.attach(view.luminoWidget, box);
  }

  async _get_comm_info() {
    return {};
  }

  async _create_comm() {
    throw new Error("a widget can only be made by Python here");
  }
}
