// What the panels are drawn with: numbers as text, ticks, axes, paths, arrowheads. Plain functions to SVG text.

export const LETTER = 6.7; // width of a letter at 12 px, good enough to leave room for labels

export const escaped = (s) =>
  String(s).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
export const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
export const px = (v) => v.toFixed(1);
export const text = (x, y, s, more = "") => `<text x="${px(x)}" y="${px(y)}" ${more}>${escaped(s)}</text>`;
// What a mark is of, for scripts of the page; the steps h₁, h₂ are one quantity.
export const named = (label) => {
  const name = label.replace(/[₀-₉]/g, "").trim();
  return name && ` data-of="${escaped(name)}"`;
};
// A panel that is wider than a column of text may be taller too; its height is meant for 640 px.
export const tall = (height, width) => Math.round(height * clamp(width / 640, 1, 1.35));
export const widest = (names) => LETTER * Math.max(0, ...names.map((n) => n.length));

// Text that a control may change travels as numbers: places in a fixed vocabulary, a gap where there is no word.
export const spelled = (names, at) =>
  Array.isArray(names)
    ? names
    : Array.from(at(names.ids), (k) => (Number.isFinite(k) ? names.vocabulary[Math.round(k)] : ""));
export const seen = (token) => ({ "\n": "↵", " ": "␣" })[token] || token;

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

export const fixed = (v, decimals) => (Number.isFinite(v) ? tidy(v.toFixed(decimals)) : "");
const tidy = (s) => s.replace(/^-(0\.?0*)$/, "$1").replace("-", "−");
const superscript = (n) => [...String(n)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
const power = (k) => (Math.abs(k) > 3 && Number.isInteger(k) ? `10${superscript(k)}` : format(10 ** k, 2));

export function niceTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(k * step);
  return ticks;
}

export function extent(arrays, fixed) {
  if (fixed) return fixed;
  let low = Infinity;
  let high = -Infinity;
  for (const a of arrays)
    for (const v of a)
      if (Number.isFinite(v)) {
        low = Math.min(low, v);
        high = Math.max(high, v);
      }
  if (low > high) return [0, 1];
  const room = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

function logTicks(low, high) {
  const ticks = [];
  const every = Math.max(1, Math.ceil((high - low) / 6));
  for (let k = Math.ceil(low - 1e-9); k <= high + 1e-9; k++) if (k % every === 0) ticks.push(k);
  return ticks.length > 1 ? ticks : niceTicks(low, high, 4);
}

// Frame, ticks and axis names around a plot box; returns the SVG text and the two scales.
export function axes(p, box, xs, ys) {
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
  if (ys[0] < 0 && ys[1] > 0)
    s += `<path d="M${px(box.left)},${px(Y(0))}H${px(box.right)}" stroke="currentColor" stroke-opacity=".4"/>`;
  s += text((box.left + box.right) / 2, box.bottom + 34, p.x_label, 'text-anchor="middle" class="axis"');
  s += text(4, box.top - 12, p.y_label, 'class="axis"');
  return { s, X, Y };
}

export const dash = (style) => (style === "dashed" ? ' stroke-dasharray="6 4"' : "");
export const swatch = (x, y, c) =>
  c.style === "dots"
    ? `<circle class="role-${c.role}" cx="${px(x + 8)}" cy="${px(y - 4)}" r="3.5" fill="currentColor"/>`
    : `<path class="role-${c.role}" d="M${px(x)},${px(y - 4)}h16" stroke="currentColor" stroke-width="2.5"${dash(c.style)}/>`;

export function path(x, y, X, Y, box) {
  let d = "";
  let pen = false;
  for (let k = 0; k < y.length; k++) {
    const ok = Number.isFinite(y[k]) && Number.isFinite(x[k]);
    if (ok)
      d += `${pen ? "L" : "M"}${px(clamp(X(x[k]), box.left - 3, box.right + 3))},${px(clamp(Y(y[k]), box.top - 3, box.bottom + 3))}`;
    pen = ok;
  }
  return d;
}

// An arrowhead with its tip at (x, y), pointing away from (a, b).
export const arrowhead = (x, y, a, b) =>
  `<path transform="translate(${px(x)} ${px(y)}) rotate(${px((Math.atan2(y - b, x - a) * 180) / Math.PI)})" d="M0,0l-8,-4.5v9z" fill="currentColor"/>`;

// A head at the end of every unbroken stroke, along the last piece of it that is long enough to have a direction.
export function heads(x, y, X, Y) {
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
