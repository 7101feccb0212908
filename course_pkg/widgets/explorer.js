// Draws an Explorer, in both of its lives. In Jupyter (`render`, called by anywidget) a moved control goes to
// Python, which sends numbers back. In a static page (`mountStatic`) the numbers come from a table in the page.
// The parts are plain functions from data to SVG text; they know nothing of sliders.

const LETTER = 6.7; // width of a letter at 12 px, good enough to leave room for labels

const escape = (s) => String(s).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
const px = (v) => v.toFixed(1);
const text = (x, y, s, more = "") => `<text x="${px(x)}" y="${px(y)}" ${more}>${escape(s)}</text>`;
const widest = (names) => LETTER * Math.max(0, ...names.map((n) => n.length));

export function format(v, digits = 3) {
  if (!Number.isFinite(v)) return "–";
  if (v === 0) return "0";
  const size = Math.abs(v);
  const sign = v < 0 ? "−" : "";
  if (size >= 1e6 || size < 1e-3) {
    const [digit, exponent] = size.toExponential(Math.max(0, digits - 2)).split("e");
    return `${sign}${digit} × 10${superscript(Number(exponent))}`;
  }
  return sign + (size >= 1000 ? Math.round(size).toLocaleString("en") : String(Number(size.toPrecision(digits))));
}

const fixed = (v, decimals) => v.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");
const superscript = (n) => [...String(n)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
const power = (k) => (Math.abs(k) > 3 && Number.isInteger(k) ? "10" + superscript(k) : format(10 ** k, 2));

function niceTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(k * step);
  return ticks;
}

function extent(arrays, fixed) {
  if (fixed) return fixed;
  let low = Infinity, high = -Infinity;
  for (const a of arrays) for (const v of a) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  if (low > high) return [0, 1];
  const room = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

function logTicks(low, high) {
  const ticks = [], every = Math.max(1, Math.ceil((high - low) / 6));
  for (let k = Math.ceil(low - 1e-9); k <= high + 1e-9; k++) if (k % every === 0) ticks.push(k);
  return ticks.length > 1 ? ticks : niceTicks(low, high, 4);
}

// Frame, ticks and axis names around a plot box; returns the SVG text and the two scales.
function axes(p, box, xs, ys) {
  const X = (v) => box.left + ((v - xs[0]) / (xs[1] - xs[0])) * (box.right - box.left);
  const Y = (v) => box.bottom - ((v - ys[0]) / (ys[1] - ys[0])) * (box.bottom - box.top);
  let s = "";
  for (const t of p.log_y ? logTicks(...ys) : niceTicks(...ys, (box.bottom - box.top) / 40)) {
    s += `<path d="M${px(box.left)},${px(Y(t))}H${px(box.right)}" stroke="currentColor" stroke-opacity=".13"/>`;
    s += text(box.left - 6, Y(t) + 4, p.log_y ? power(t) : format(t), 'text-anchor="end" class="axis"');
  }
  for (const t of niceTicks(...xs, (box.right - box.left) / 60)) {
    s += `<path d="M${px(X(t))},${px(box.bottom)}v4" stroke="currentColor" stroke-opacity=".5"/>`;
    s += text(X(t), box.bottom + 16, format(t), 'text-anchor="middle" class="axis"');
  }
  s += `<path d="M${px(box.left)},${px(box.bottom)}H${px(box.right)}" stroke="currentColor" stroke-opacity=".5"/>`;
  if (ys[0] < 0 && ys[1] > 0) s += `<path d="M${px(box.left)},${px(Y(0))}H${px(box.right)}" stroke="currentColor" stroke-opacity=".4"/>`;
  s += text((box.left + box.right) / 2, box.bottom + 34, p.x_label, 'text-anchor="middle" class="axis"');
  s += text(4, box.top - 12, p.y_label, 'class="axis"');
  return { s, X, Y };
}

const dash = (style) => (style === "dashed" ? ' stroke-dasharray="6 4"' : "");
const swatch = (x, y, c) => c.style === "dots"
  ? `<circle class="role-${c.role}" cx="${px(x + 8)}" cy="${px(y - 4)}" r="3.5" fill="currentColor"/>`
  : `<path class="role-${c.role}" d="M${px(x)},${px(y - 4)}h16" stroke="currentColor" stroke-width="2.5"${dash(c.style)}/>`;

function path(x, y, X, Y, box) {
  let d = "", pen = false;
  for (let k = 0; k < y.length; k++) {
    const ok = Number.isFinite(y[k]) && Number.isFinite(x[k]);
    if (ok) d += `${pen ? "L" : "M"}${px(clamp(X(x[k]), box.left - 3, box.right + 3))},${px(clamp(Y(y[k]), box.top - 3, box.bottom + 3))}`;
    pen = ok;
  }
  return d;
}

// An arrowhead with its tip at (x, y), pointing away from (a, b).
const arrowhead = (x, y, a, b) => `<path transform="translate(${px(x)} ${px(y)}) rotate(${px((Math.atan2(y - b, x - a) * 180) / Math.PI)})" d="M0,0l-8,-4.5v9z" fill="currentColor"/>`;

// A head at the end of every unbroken stroke, along the last piece of it that is long enough to have a direction.
function heads(x, y, X, Y) {
  const drawn = (k) => Number.isFinite(x[k]) && Number.isFinite(y[k]);
  let s = "";
  for (let end = 0; end < y.length; end++) {
    if (!drawn(end) || (end + 1 < y.length && drawn(end + 1))) continue;
    for (let k = end - 1; k >= 0 && drawn(k); k--) {
      if (Math.hypot(X(x[end]) - X(x[k]), Y(y[end]) - Y(y[k])) < 4) continue;
      s += arrowhead(X(x[end]), Y(y[end]), X(x[k]), Y(y[k]));
      break;
    }
  }
  return s;
}

function drawLines(p, at, width) {
  const x = at(p.x), curves = p.curves.map((c) => ({ ...c, x: c.x ? at(c.x) : x, y: at(c.y), low: c.low && at(c.low), high: c.high && at(c.high) }));
  // Paths in a plane do not end at the right-hand side, so their names stand above them.
  const narrow = width < 430 || p.curves.some((c) => c.x), names = curves.map((c) => c.name).filter((n) => n);
  let top = p.title ? 46 : 28, s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  if (narrow && names.length > 1) { // no room beside the curves: a legend above them
    let at_x = 4;
    for (const c of curves.filter((c) => c.name)) {
      const w = 26 + LETTER * c.name.length;
      if (at_x > 4 && at_x + w > width) { at_x = 4; top += 17; }
      s += swatch(at_x, top - 12, c) + text(at_x + 20, top - 12, c.name, `class="role-${c.role}"`);
      at_x += w + 8;
    }
    top += 20;
  }
  const aside = !narrow && names.length > 0;
  const box = { left: 50, right: width - (aside ? Math.min(widest(names) + 14, width * 0.4) : 10), top, bottom: top + p.height - 70 };
  const ys = extent(curves.flatMap((c) => [c.y, c.low || [], c.high || []]), p.y_range);
  const { s: frame, X, Y } = axes(p, box, extent([x], p.x_range) && (p.x_range || [Math.min(...x), Math.max(...x)]), ys);
  s += (p.ground ? cells(p.ground, at(p.ground.z), box) + text(width - 4, box.top - 12, p.ground.name, 'text-anchor="end" class="axis"') : "") + frame;
  for (const m of p.marks) {
    const v = at(m.x)[0];
    if (!(X(v) >= box.left - 1 && X(v) <= box.right + 1)) continue;
    const end = X(v) > (box.left + box.right) / 2;
    s += `<g class="role-${m.role}"><path d="M${px(X(v))},${px(box.top)}V${px(box.bottom)}" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2 3"/>${text(X(v) + (end ? -5 : 5), box.top + 11, m.name, end ? 'text-anchor="end"' : "")}</g>`;
  }
  for (const c of curves) {
    s += `<g class="role-${c.role}">`;
    if (c.low) {
      const back = path([...c.x].reverse(), [...c.high].reverse(), X, Y, box);
      s += `<path d="${path(c.x, c.low, X, Y, box)}${back.replace(/^M/, "L")}Z" fill="currentColor" fill-opacity=".16" stroke="none"/>`;
    }
    if (c.style === "dots") for (let k = 0; k < c.y.length; k++) { if (Number.isFinite(c.y[k]) && Number.isFinite(c.x[k])) s += `<circle cx="${px(clamp(X(c.x[k]), box.left, box.right))}" cy="${px(clamp(Y(c.y[k]), box.top, box.bottom))}" r="3.5" fill="currentColor"/>`; }
    else s += (p.ground ? `<path d="${path(c.x, c.y, X, Y, box)}" fill="none" class="casing"/>` : "") + `<path d="${path(c.x, c.y, X, Y, box)}" fill="none" stroke="currentColor" stroke-width="${c.style === "arrows" ? 1.5 : 2.2}" stroke-linejoin="round"${dash(c.style)}/>`;
    if (c.style === "arrows") s += heads(c.x, c.y, X, Y);
    s += "</g>";
  }
  if (aside) s += endLabels(curves, x, X, Y, box);
  return { s, height: box.bottom + 40 };
}

// Each curve's name at its end, pushed apart where two curves end close together.
function endLabels(curves, x, X, Y, box) {
  const labels = curves.filter((c) => c.name).map((c) => {
    let k = x.length - 1;
    while (k > 0 && !Number.isFinite(c.y[k])) k--;
    return { c, y: clamp(Number.isFinite(c.y[k]) ? Y(c.y[k]) : box.bottom, box.top, box.bottom) + 4 };
  }).sort((a, b) => a.y - b.y);
  for (let k = 1; k < labels.length; k++) labels[k].y = Math.max(labels[k].y, labels[k - 1].y + 14);
  const over = labels.length ? labels.at(-1).y - (box.bottom + 6) : 0;
  if (over > 0) for (let k = labels.length - 1, limit = box.bottom + 6; k >= 0; k--, limit -= 14) labels[k].y = Math.min(labels[k].y, limit);
  return labels.map((l) => text(box.right + 7, l.y, l.c.name, `class="role-${l.c.role}"`)).join("");
}

function drawBars(p, at, width) {
  const values = at(p.values), row = 26, top = p.title ? 26 : 6;
  const [low, high] = p.range || extent([values, [0], ...p.points.map(at)]);
  const left = Math.min(widest(p.names) + 12, width * 0.42), right = width - 62, bottom = top + row * values.length;
  const X = (v) => left + ((clamp(v, low, high) - low) / (high - low)) * (right - left), zero = X(clamp(0, low, high));
  let s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  values.forEach((v, k) => {
    const y = top + row * k;
    s += text(left - 8, y + 17, p.names[k], 'text-anchor="end"');
    if (Number.isFinite(v)) s += `<rect class="role-${p.roles[k]}" fill="currentColor" fill-opacity="${p.points.length ? 0.3 : 1}" x="${px(Math.min(zero, X(v)))}" y="${y + 4}" width="${px(Math.max(1, Math.abs(X(v) - zero)))}" height="${row - 8}" rx="2"/>`;
    const seeds = p.points.length ? Array.from(at(p.points[k])) : [];
    for (const q of seeds) if (Number.isFinite(q)) s += `<circle class="role-${p.roles[k]}" cx="${px(X(q))}" cy="${y + 13}" r="4" fill="none" stroke="currentColor" stroke-width="1.5"/>`;
    s += text(Math.max(zero, ...[v, ...seeds].filter(Number.isFinite).map(X)) + 8, y + 17, format(v, p.digits), 'style="font-variant-numeric:tabular-nums"');
  });
  for (const t of niceTicks(low, high, (right - left) / 80)) s += `<path d="M${px(X(t))},${bottom}v4" stroke="currentColor" stroke-opacity=".5"/>` + text(X(t), bottom + 16, format(t), 'text-anchor="middle" class="axis"');
  s += `<path d="M${px(left)},${bottom}H${px(right)}" stroke="currentColor" stroke-opacity=".5"/><path d="M${px(zero)},${top}V${bottom}" stroke="currentColor" stroke-opacity=".5"/>`;
  s += text((left + right) / 2, bottom + 34, p.value_label, 'text-anchor="middle" class="axis"');
  return { s, height: bottom + 40 };
}

const shade = (v, [low, high]) => low < 0 && high > 0
  ? [v < 0 ? "forget" : "cell", Math.abs(v) / Math.max(-low, high)]
  : ["cell", (v - low) / (high - low)];

// A grid of colours that fills a box. p has rows, columns and range; z is row after row, from the top.
// Edges are whole pixels, shared by neighbours, so that no ground shows between them.
function cells(p, z, box) {
  const x = (k) => Math.round(box.left + ((box.right - box.left) * k) / p.columns), y = (k) => Math.round(box.top + ((box.bottom - box.top) * k) / p.rows);
  let s = "";
  for (let k = 0; k < z.length; k++) {
    if (!Number.isFinite(z[k])) continue;
    const [role, strength] = shade(z[k], p.range), column = k % p.columns, row = Math.floor(k / p.columns);
    s += `<rect class="role-${role}" fill="currentColor" fill-opacity="${clamp(strength, 0, 1).toFixed(3)}" x="${x(column)}" y="${y(row)}" width="${x(column + 1) - x(column)}" height="${y(row + 1) - y(row)}" shape-rendering="crispEdges"/>`;
  }
  return s;
}

function drawHeatmap(p, at, width) {
  const top = p.title ? 46 : 28;
  const left = p.y_ticks ? Math.min(widest(p.y_ticks) + 12, width * 0.35) : 34, right = width - 64, bottom = top + p.height - 76;
  const w = (right - left) / p.columns, h = (bottom - top) / p.rows;
  let s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  s += cells(p, at(p.z), { left, right, top, bottom });
  if (p.decimals !== null) at(p.z).forEach((v, k) => {
    const said = fixed(v, p.decimals), strong = shade(v, p.range)[1] > 0.6;
    if (Number.isFinite(v) && w > LETTER * said.length && h > 14) s += text(left + w * ((k % p.columns) + 0.5), top + h * (Math.floor(k / p.columns) + 0.5) + 4, said, `text-anchor="middle"${strong ? ' class="on-colour"' : ""}`);
  });
  s += `<rect x="${px(left)}" y="${top}" width="${px(right - left)}" height="${px(bottom - top)}" fill="none" stroke="currentColor" stroke-opacity=".4"/>`;
  const every = (n, room) => Math.max(1, Math.ceil(n / Math.max(1, room)));
  const names = (ticks, n) => ticks || Array.from({ length: n }, (_, k) => String(k));
  const columns = names(p.x_ticks, p.columns), rows = names(p.y_ticks, p.rows);
  const skipX = every(p.columns, (right - left) / (widest(columns) + 8)), skipY = every(p.rows, (bottom - top) / 14);
  columns.forEach((n, k) => { if (k % skipX === 0) s += text(left + w * (k + 0.5), bottom + 15, n, 'text-anchor="middle" class="axis"'); });
  rows.forEach((n, k) => { if (k % skipY === 0) s += text(left - 6, top + h * (k + 0.5) + 4, n, 'text-anchor="end" class="axis"'); });
  s += text((left + right) / 2, bottom + 33, p.x_label, 'text-anchor="middle" class="axis"') + text(4, top - 10, p.y_label, 'class="axis"');
  for (let k = 0; k < 24; k++) { // the colour scale
    const v = p.range[0] + ((p.range[1] - p.range[0]) * (k + 0.5)) / 24, [role, strength] = shade(v, p.range), step = (bottom - top) / 24;
    s += `<rect class="role-${role}" fill="currentColor" fill-opacity="${clamp(strength, 0, 1).toFixed(3)}" x="${px(right + 12)}" y="${px(bottom - step * (k + 1))}" width="12" height="${px(step)}" shape-rendering="crispEdges"/>`;
  }
  s += text(right + 28, top + 10, format(p.range[1], 2), 'class="axis"') + text(right + 28, bottom, format(p.range[0], 2), 'class="axis"');
  s += text(width - 4, top - 10, p.z_label, 'text-anchor="end" class="axis"');
  return { s, height: bottom + 40 };
}

function drawDiagram(p, at) {
  const { layout } = p, values = at(p.values), lit = at(p.lit), top = p.title ? 24 : 0;
  const place = Object.fromEntries(layout.ids.map((id, k) => [id, k]));
  const group = (part, inner) => `<g class="role-${part.role}" opacity="${lit[place[part.id]] ? 1 : 0.38}">${inner}</g>`;
  let s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  s += `<g transform="translate(0 ${top})">`;
  for (const w of layout.wires) {
    const head = w.arrow ? arrowhead(...w.points.at(-1), ...w.points.at(-2)) : "";
    s += group(w, `<path d="M${w.points.map((q) => q.join()).join("L")}" fill="none" stroke="currentColor" stroke-width="2.2"/>${head}`);
  }
  const written = (part) => { const v = values[place[part.id]]; return Number.isFinite(v) ? fixed(v, 2) : ""; };
  for (const b of layout.boxes) {
    const value = `${b.symbol} ${written(b)}`.trim();
    const frame = `<rect x="${b.x - b.w / 2}" y="${b.y - b.h / 2}" width="${b.w}" height="${b.h}" rx="6" fill="currentColor" fill-opacity=".1" stroke="currentColor" stroke-width="1.6"/>`;
    s += group(b, frame + text(b.x, b.y - 6, b.label, 'text-anchor="middle" class="box-label"') + text(b.x, b.y + 15, value, 'text-anchor="middle" class="box-value"'));
  }
  for (const o of layout.operations) {
    const value = written(o), number = value ? text(o.x, o.y + 12, value, 'text-anchor="middle"') : "";
    const label = value ? text(o.x, o.y - 3, o.label, 'text-anchor="middle"') : text(o.x, o.y + 5, o.label, 'text-anchor="middle" class="box-label"');
    s += group(o, `<circle cx="${o.x}" cy="${o.y}" r="${o.r}" fill="currentColor" fill-opacity=".1" stroke="currentColor" stroke-width="1.6"/>${label}${number}`);
  }
  return { s: s + "</g>", height: layout.height + top, width: layout.width };
}

const DRAW = { lines: drawLines, bars: drawBars, heatmap: drawHeatmap, diagram: drawDiagram };

// What a panel says in words: [name, value] pairs, for the spoken status and the table of numbers.
function tell(p, at, whole) {
  const round = (a) => Array.from(a, (v) => format(v));
  if (p.kind === "numbers") return p.items.map((i) => [i.name, [`${format(at(i.value)[0], i.digits)} ${i.unit}`.trim()]]);
  if (p.kind === "bars") return p.names.map((n, k) => [n, [at(p.values)[k], ...(p.points.length ? at(p.points[k]) : [])].map((v) => format(v, p.digits))]);
  if (p.kind === "diagram") {
    const value = (part) => at(p.values)[p.layout.ids.indexOf(part.id)];
    const numbered = [...p.layout.boxes, ...p.layout.operations.filter((o) => Number.isFinite(value(o)))];
    return numbered.map((part) => [`${part.label} ${part.symbol || ""}`.trim(), [format(value(part))]]);
  }
  if (p.kind === "heatmap") { const z = at(p.z); return whole ? Array.from({ length: p.rows }, (_, r) => [(p.y_ticks || [])[r] || `${p.y_label} ${r}`, round(z.slice(r * p.columns, (r + 1) * p.columns))]) : []; }
  const value = (v) => (p.log_y ? 10 ** v : v);
  const curves = p.curves.flatMap((c) => {
    const y = [c.name, Array.from(at(c.y), value)];
    return c.x ? [[`${c.name}: ${p.x_label}`, Array.from(at(c.x))], [`${c.name}: ${p.y_label}`, y[1]]] : [y];
  });
  if (whole) return [[p.x_label, round(at(p.x))], ...curves.map(([n, y]) => [n, round(y)])];
  return curves.map(([n, y]) => { const seen = y.filter(Number.isFinite); return [n, [seen.length ? `${format(seen[0])} to ${format(seen.at(-1))}` : "no values"]]; });
}

const make = (tag, attributes = {}, ...children) => {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
};

// Builds controls and panels inside `root`; calls changed({name: position}) when the reader moves something.
function build(root, spec, changed) {
  const position = {}, resets = [];
  const controls = make("div", { class: "explorer-controls" });
  for (const c of spec.controls) {
    const start = c.values.indexOf(c.value), said = (k) => `${typeof c.values[k] === "number" ? format(c.values[k], 4) : c.values[k]}${c.unit ? " " + c.unit : ""}`;
    const slider = c.kind === "slider", output = make("output"), label = make("label", {}, make("span", {}, c.label));
    const input = slider ? make("input", { type: "range", min: 0, max: c.values.length - 1, step: 1 }) : make("select", {}, ...c.values.map((v, k) => make("option", { value: k }, String(v))));
    input.dataset.name = c.name;
    const show = () => { position[c.name] = Number(input.value); if (slider) { output.textContent = said(position[c.name]); input.setAttribute("aria-valuetext", said(position[c.name])); } };
    input.addEventListener("input", () => { show(); changed(position); });
    resets.push((k = start) => { input.value = k; show(); });
    resets.at(-1)();
    label.append(input, ...(slider ? [output] : []));
    controls.append(label);
  }
  const panels = make("div", { class: `explorer-panels${spec.columns === 2 ? " two" : ""}` });
  const views = spec.panels.map((p) => {
    if (p.kind === "numbers") return panels.appendChild(make("div", { class: "explorer-numbers" }));
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", [p.title, spec.alt].filter(Boolean).join(". "));
    panels.appendChild(make("div", p.kind === "diagram" ? { class: "wide" } : {}, svg));
    return svg;
  });
  const status = make("p", { class: "explorer-status", role: "status" }), error = make("p", { class: "explorer-error", role: "alert", hidden: "" });
  const reset = make("button", { type: "button" }, "Reset"), table = make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Numbers in this figure" });
  const details = make("details", {}, make("summary", {}, "Numbers in this figure"), table);
  reset.addEventListener("click", () => { resets.forEach((r) => r()); changed(position); });
  const title = make("p", { class: "explorer-title" }, spec.title);
  root.append(title, panels, controls, make("div", { class: "explorer-foot" }, ...(spec.controls.length ? [reset] : []), details), error, status);
  root.classList.add("course-explorer", "explorer-drawn");
  controls.addEventListener("keydown", (e) => e.stopPropagation()); // JupyterLab would take the arrow keys for itself
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", spec.title);

  let now = null, said = 0;
  const at = (ref) => now[ref.slot];
  const draw = () => spec.panels.forEach((p, k) => {
    if (p.kind === "numbers") { views[k].innerHTML = p.items.map((i) => `<span class="role-${i.role}">${escape(i.name)}<strong>${escape(format(at(i.value)[0], i.digits))} ${escape(i.unit)}</strong></span>`).join(""); return; }
    const width = views[k].widthNow || 640, drawn = DRAW[p.kind](p, at, width);
    views[k].setAttribute("viewBox", `0 0 ${drawn.width || width} ${drawn.height}`);
    views[k].innerHTML = drawn.s;
  });
  const fillTable = () => {
    if (!details.open) return;
    table.replaceChildren(make("table", {}, ...spec.panels.flatMap((p) => tell(p, at, true)).map(([n, row]) => make("tr", {}, make("th", { scope: "row" }, n), ...row.map((v) => make("td", {}, v))))));
  };
  details.addEventListener("toggle", fillTable);
  const speak = () => { status.textContent = spec.panels.flatMap((p) => tell(p, at, false)).map(([n, row]) => `${n}: ${row.join(", ")}`).join("; "); };
  new ResizeObserver(() => {
    let moved = false;
    for (const v of views) { const w = Math.round(v.parentElement.clientWidth); if (w && v.tagName === "svg" && w !== v.widthNow) { v.widthNow = w; moved = true; } }
    if (moved && now) draw();
  }).observe(panels);
  return {
    show(frame, first = false) {
      now = frame;
      for (const v of views) if (!v.widthNow && v.tagName === "svg") v.widthNow = Math.round(v.parentElement.clientWidth);
      draw();
      fillTable();
      clearTimeout(said);
      if (!first) said = setTimeout(speak, 500); // after the reader stops, not at every step
    },
    panels(next) { spec.panels = next; },
    place(name, k) { resets[spec.controls.findIndex((c) => c.name === name)](k); },
    fail(message) { error.textContent = message; error.hidden = !message; },
    position,
  };
}

// One slot of the table: gives its numbers for a position of the controls. See tables.py for the packing.
function reader(slot, controls) {
  const bytes = Uint8Array.from(atob(slot.data), (c) => c.charCodeAt(0)).buffer, size = slot.shape.at(-1);
  const raw = slot.type === "u16" ? new Uint16Array(bytes) : new Float32Array(bytes);
  return (position) => {
    const row = controls.reduce((k, c, axis) => k * slot.shape[axis] + (slot.shape[axis] > 1 ? position[c.name] : 0), 0);
    const numbers = raw.subarray(row * size, (row + 1) * size);
    return slot.type === "u16" ? Array.from(numbers, (v) => (v === 65535 ? NaN : slot.low + v * slot.step)) : numbers;
  };
}

export function mountStatic(root) {
  const spec = JSON.parse(root.querySelector("script").textContent);
  const readers = spec.table.map((slot) => reader(slot, spec.controls));
  const figure = build(root, spec, (position) => figure.show(readers.map((read) => read(position))));
  figure.show(readers.map((read) => read(figure.position)), true);
}

function render({ model, el }) {
  const spec = model.get("spec"), root = el.appendChild(make("div", {}, make("p", { class: "explorer-alt" }, spec.alt)));
  const figure = build(root, { ...spec }, (position) => {
    model.set("values", Object.fromEntries(spec.controls.map((c) => [c.name, c.values[position[c.name]]])));
    model.save_changes();
  });
  const frame = () => model.get("frame").map((slot) => slot.map((v) => v ?? NaN));
  const place = () => spec.controls.forEach((c) => figure.place(c.name, c.values.indexOf(model.get("values")[c.name])));
  model.on("change:spec", () => figure.panels(model.get("spec").panels));
  model.on("change:frame", () => figure.show(frame()));
  model.on("change:values", place); // when Python sets a value
  model.on("change:error", () => figure.fail(model.get("error")));
  place();
  figure.show(frame(), true);
}

export default { render };

for (const root of document.querySelectorAll(".course-explorer:not(.explorer-drawn)")) if (root.querySelector(":scope > script")) mountStatic(root);
