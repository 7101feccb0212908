// A curve that the reader draws over the axes of a figure, before the figure shows its own: with the mouse, a finger
// or the arrow keys.
import { make } from "../../course_pkg/widgets/elements.js";
import { clamp, extent, format } from "../../course_pkg/widgets/marks.js";
import { drawLines } from "../../course_pkg/widgets/panels.js";

const BENDS = 61; // where the line may bend: at every step of most figures
export const YOURS = "your line";

/** Values at every x from values at the bends; p.log_y bends straight lines as the axis does. */
export function spread(bends, places, count) {
  const out = [];
  for (let j = 0; j + 1 < places.length; j++)
    for (let k = places[j]; k <= places[j + 1]; k++)
      out[k] = bends[j] + ((bends[j + 1] - bends[j]) * (k - places[j])) / (places[j + 1] - places[j]);
  return out.slice(0, count);
}

/** Where a line over `count` points bends. */
export function bendsOf(count) {
  const n = Math.min(BENDS, count);
  return Array.from({ length: n }, (_, j) => Math.round((j * (count - 1)) / (n - 1)));
}

export class Pad {
  /** For the curve `name` of the panel p, with the numbers of at(ref), beside the curves that are still(curve).
   * `changed` is called when there is a line. */
  constructor(p, at, name, still, changed) {
    const height = (ref) => (p.log_y ? Array.from(at(ref), Math.log10) : at(ref));
    this.panel = p;
    this.at = (ref) => (ref?.slot === undefined ? ref : at(ref));
    this.range = p.y_range || extent(p.curves.map((c) => height(c.y)));
    this.truth = p.curves.find((c) => c.name === name);
    this.given = p.curves.filter((c) => c.name !== name && still(c));
    this.x = Array.from(at(p.x));
    this.places = bendsOf(this.x.length);
    this.bends = this.places.map(() => (this.range[0] + this.range[1]) / 2);
    this.now = 0;
    this.open = true;
    this.changed = changed;
    this.svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.svg.setAttribute("aria-hidden", "true");
    const how = `Draw ${name}. Left and right choose a place, up and down move the line there`;
    const attributes = { class: "prediction-pad explorer-panels", tabindex: "0", role: "slider", "aria-label": how };
    this.element = make("div", attributes, this.svg);
    this.element.setAttribute("aria-orientation", "vertical");
    this.element.addEventListener("keydown", (event) => this.key(event));
    for (const kind of ["pointerdown", "pointermove"]) this.svg.addEventListener(kind, (event) => this.pointer(event));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** The line at every x, in the units of the axis. */
  get y() {
    const line = spread(this.bends, this.places, this.x.length);
    return this.panel.log_y ? line.map((v) => 10 ** v) : line;
  }

  draw() {
    const width = Math.round(this.element.clientWidth) || 560;
    const own = { name: YOURS, y: this.y, role: "reader", style: "dashed" };
    const curves = [...this.given, ...(this.open ? [] : [this.truth]), own];
    const drawn = drawLines({ ...this.panel, title: "", curves, y_range: this.range, height: 250 }, this.at, width);
    this.plot = drawn.plot;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${drawn.height}`);
    const { box, xs, ys } = drawn.plot;
    const X = box.left + ((this.x[this.places[this.now]] - xs[0]) / (xs[1] - xs[0])) * (box.right - box.left);
    const Y = box.bottom - ((this.bends[this.now] - ys[0]) / (ys[1] - ys[0])) * (box.bottom - box.top);
    const handle = `<circle class="handle" cx="${X.toFixed(1)}" cy="${Y.toFixed(1)}" r="7" fill="none" stroke="currentColor" stroke-width="2"/>`;
    this.svg.innerHTML = drawn.s + (this.open ? handle : "");
    const shown = this.panel.log_y ? 10 ** this.bends[this.now] : this.bends[this.now];
    const said = `${this.panel.x_label} ${format(this.x[this.places[this.now]])}: ${format(shown)}`;
    const [low, high] = this.range;
    const percent = Math.round((100 * (this.bends[this.now] - low)) / (high - low));
    for (const [name, value] of Object.entries({ valuetext: said, valuenow: percent, valuemin: 0, valuemax: 100 }))
      this.element.setAttribute(`aria-${name}`, String(value));
  }

  set(j, value) {
    this.bends[j] = clamp(value, ...this.range);
    this.now = j;
  }

  key(event) {
    const [low, high] = this.range;
    const step = ((high - low) / 20) * (event.shiftKey ? 4 : 1);
    const far = event.shiftKey ? 5 : 1;
    const moves = { ArrowUp: [0, step], ArrowDown: [0, -step], ArrowLeft: [-far, 0], ArrowRight: [far, 0] };
    const move = moves[event.key];
    if (!move || !this.open) return;
    event.preventDefault();
    const next = clamp(this.now + move[0], 0, this.places.length - 1);
    if (move[1]) for (let j = next; j < this.bends.length; j++) this.set(j, this.bends[j] + move[1]); // what follows comes along
    this.now = next;
    this.draw();
    if (move[1]) this.changed();
  }

  pointer(event) {
    if (!this.open || (event.type === "pointermove" && !event.buttons)) return;
    event.preventDefault();
    const frame = this.svg.getBoundingClientRect();
    const { box, xs, ys } = this.plot;
    const scale = this.svg.viewBox.baseVal.width / frame.width;
    const x = xs[0] + (((event.clientX - frame.left) * scale - box.left) / (box.right - box.left)) * (xs[1] - xs[0]);
    const v = ys[0] + ((box.bottom - (event.clientY - frame.top) * scale) / (box.bottom - box.top)) * (ys[1] - ys[0]);
    const away = this.places.map((k) => Math.abs(this.x[k] - x));
    const j = away.indexOf(Math.min(...away));
    if (event.type === "pointerdown") {
      this.svg.setPointerCapture(event.pointerId);
      this.set(j, v);
    } else {
      const from = this.now; // a fast hand skips places: fill them in
      const start = this.bends[from];
      for (let k = 1; k <= Math.abs(j - from); k++)
        this.set(from + Math.sign(j - from) * k, start + ((v - start) * k) / Math.abs(j - from));
      this.set(j, v);
    }
    this.draw();
    this.changed();
  }
}
