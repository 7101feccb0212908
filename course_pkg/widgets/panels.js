// One function for each kind of panel, from its data to SVG text. They know nothing of sliders.
import {
  arrowhead,
  axes,
  clamp,
  dash,
  extent,
  format,
  heads,
  LETTER,
  named,
  niceTicks,
  path,
  px,
  seen,
  spelled,
  swatch,
  tall,
  text,
  widest,
} from "./marks.js";
import { pointsOf, written } from "./tell.js";

export function drawLines(p, at, width) {
  const x = at(p.x);
  const height = (slot) => slot && (p.log_y ? Array.from(at(slot), Math.log10) : at(slot));
  const curves = p.curves.map((c) => ({
    ...c,
    x: c.x ? at(c.x) : x,
    y: height(c.y),
    low: height(c.low),
    high: height(c.high),
  }));
  // Paths in a plane do not end at the right-hand side, so their names stand above them.
  const narrow = width < 430 || p.curves.some((c) => c.x);
  const names = curves.map((c) => c.name).filter((n) => n);
  let top = p.title ? 46 : 28;
  let s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  if (narrow && names.length > 1) {
    // no room beside the curves: a legend above them
    let at_x = 4;
    for (const c of curves.filter((c) => c.name)) {
      const w = 26 + LETTER * c.name.length;
      if (at_x > 4 && at_x + w > width) {
        at_x = 4;
        top += 17;
      }
      s += swatch(at_x, top - 12, c) + text(at_x + 20, top - 12, c.name, `class="role-${c.role}"${named(c.name)}`);
      at_x += w + 8;
    }
    top += 20;
  }
  const aside = !narrow && names.length > 0;
  const box = {
    left: 50,
    right: width - (aside ? Math.min(widest(names) + 14, width * 0.4) : 10),
    top,
    bottom: top + tall(p.height, width) - 70,
  };
  const ys = extent(
    curves.flatMap((c) => [c.y, c.low || [], c.high || []]),
    p.y_range,
  );
  const xs = p.x_range || [Math.min(...x), Math.max(...x)];
  const frame = axes(p, box, xs, ys);
  const { X, Y } = frame;
  if (p.ground) {
    s += cells(p.ground, at(p.ground.z), box);
    s += text(width - 4, box.top - 12, p.ground.name, 'text-anchor="end" class="axis"');
  }
  s += frame.s;
  for (const m of p.marks) {
    const v = at(m.x)[0];
    if (!(X(v) >= box.left - 1 && X(v) <= box.right + 1)) continue;
    const end = X(v) > (box.left + box.right) / 2;
    s += `<g class="role-${m.role}"><path d="M${px(X(v))},${px(box.top)}V${px(box.bottom)}" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2 3"/>${text(X(v) + (end ? -5 : 5), box.top + 11, m.name, end ? 'text-anchor="end"' : "")}</g>`;
  }
  for (const c of curves) {
    s += `<g class="role-${c.role}"${named(c.name)}>`;
    const edge = c.low ? path(c.x, c.low, X, Y, box) : ""; // empty where nothing of the spread is known
    if (edge) {
      const back = path([...c.x].reverse(), [...c.high].reverse(), X, Y, box);
      s += `<path d="${edge}${back.replace(/^M/, "L")}Z" fill="currentColor" fill-opacity=".16" stroke="none"/>`;
    }
    if (c.style === "dots")
      for (let k = 0; k < c.y.length; k++) {
        if (Number.isFinite(c.y[k]) && Number.isFinite(c.x[k]))
          s += `<circle cx="${px(clamp(X(c.x[k]), box.left, box.right))}" cy="${px(clamp(Y(c.y[k]), box.top, box.bottom))}" r="3.5" fill="currentColor"/>`;
      }
    else
      s += `${p.ground ? `<path d="${path(c.x, c.y, X, Y, box)}" fill="none" class="casing"/>` : ""}<path d="${path(c.x, c.y, X, Y, box)}" fill="none" stroke="currentColor" stroke-width="${c.style === "arrows" ? 1.5 : 2.2}" stroke-linejoin="round"${dash(c.style)}/>`;
    if (c.style === "arrows") s += heads(c.x, c.y, X, Y);
    s += "</g>";
  }
  if (aside) s += endLabels(curves, x, Y, box);
  return { s, height: box.bottom + 40, plot: { box, xs, ys } };
}

// Each curve's name at its end, pushed apart where two curves end close together.
function endLabels(curves, x, Y, box) {
  const labels = curves
    .filter((c) => c.name)
    .map((c) => {
      let k = x.length - 1;
      while (k > 0 && !Number.isFinite(c.y[k])) k--;
      return { c, y: clamp(Number.isFinite(c.y[k]) ? Y(c.y[k]) : box.bottom, box.top, box.bottom) + 4 };
    })
    .sort((a, b) => a.y - b.y);
  for (let k = 1; k < labels.length; k++) labels[k].y = Math.max(labels[k].y, labels[k - 1].y + 14);
  const over = labels.length ? labels.at(-1).y - (box.bottom + 6) : 0;
  if (over > 0)
    for (let k = labels.length - 1, limit = box.bottom + 6; k >= 0; k--, limit -= 14)
      labels[k].y = Math.min(labels[k].y, limit);
  return labels.map((l) => text(box.right + 7, l.y, l.c.name, `class="role-${l.c.role}"${named(l.c.name)}`)).join("");
}

export function drawBars(p, at, width) {
  const values = at(p.values);
  const said = written(p, at);
  const row = 26;
  const top = p.title ? 26 : 6;
  const [low, high] = p.range || extent([values, [0], ...p.points.map(at)]);
  const left = Math.min(widest(p.names) + 12, width * 0.42);
  const right = width - 62;
  const bottom = top + row * values.length;
  const X = (v) => left + ((clamp(v, low, high) - low) / (high - low)) * (right - left);
  const zero = X(clamp(0, low, high));
  let s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  values.forEach((v, k) => {
    const y = top + row * k;
    s += text(left - 8, y + 17, p.names[k], 'text-anchor="end"');
    if (Number.isFinite(v))
      s += `<rect class="role-${p.roles[k]}" fill="currentColor" fill-opacity="${p.points.length ? 0.3 : 1}" x="${px(Math.min(zero, X(v)))}" y="${y + 4}" width="${px(Math.max(1, Math.abs(X(v) - zero)))}" height="${row - 8}" rx="2"/>`;
    const seeds = pointsOf(p, at, k);
    for (const q of seeds)
      if (Number.isFinite(q))
        s += `<circle class="role-${p.roles[k]}" cx="${px(X(q))}" cy="${y + 13}" r="4" fill="none" stroke="currentColor" stroke-width="1.5"/>`;
    s += text(
      Math.max(zero, ...[v, ...seeds].filter(Number.isFinite).map(X)) + 8,
      y + 17,
      said[k],
      'style="font-variant-numeric:tabular-nums"',
    );
  });
  for (const t of niceTicks(low, high, (right - left) / 80))
    s += `<path d="M${px(X(t))},${bottom}v4" stroke="currentColor" stroke-opacity=".5"/>${text(X(t), bottom + 16, format(t), 'text-anchor="middle" class="axis"')}`;
  s += `<path d="M${px(left)},${bottom}H${px(right)}" stroke="currentColor" stroke-opacity=".5"/><path d="M${px(zero)},${top}V${bottom}" stroke="currentColor" stroke-opacity=".5"/>`;
  s += text((left + right) / 2, bottom + 34, p.value_label, 'text-anchor="middle" class="axis"');
  return { s, height: bottom + 40 };
}

/** @type {(v: number, range: number[]) => [string, number]} a role, and how much of its colour */
export const shade = (v, [low, high]) =>
  low < 0 && high > 0
    ? [v < 0 ? "forget" : "cell", Math.abs(v) / Math.max(-low, high)]
    : ["cell", (v - low) / (high - low)];

// A grid of colours that fills a box. p has rows, columns and range; z is row after row, from the top.
// Edges are whole pixels, shared by neighbours, so that no ground shows between them.
function cells(p, z, box) {
  const x = (k) => Math.round(box.left + ((box.right - box.left) * k) / p.columns);
  const y = (k) => Math.round(box.top + ((box.bottom - box.top) * k) / p.rows);
  let s = "";
  for (let k = 0; k < z.length; k++) {
    if (!Number.isFinite(z[k])) continue;
    const [role, strength] = shade(z[k], p.range);
    const column = k % p.columns;
    const row = Math.floor(k / p.columns);
    s += `<rect class="role-${role}" fill="currentColor" fill-opacity="${clamp(strength, 0, 1).toFixed(3)}" x="${x(column)}" y="${y(row)}" width="${x(column + 1) - x(column)}" height="${y(row + 1) - y(row)}" shape-rendering="crispEdges"/>`;
  }
  return s;
}

export function drawHeatmap(p, at, width) {
  const top = p.title ? 46 : 28;
  const left = p.y_ticks ? Math.min(widest(p.y_ticks.vocabulary || p.y_ticks) + 12, width * 0.35) : 34;
  const right = width - 64;
  const bottom = top + tall(p.height, width) - 76;
  const w = (right - left) / p.columns;
  const h = (bottom - top) / p.rows;
  let s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  s += cells(p, at(p.z), { left, right, top, bottom });
  written(p, at).forEach((said, k) => {
    const strong = shade(at(p.z)[k], p.range)[1] > 0.6;
    if (said && w > LETTER * said.length && h > 14)
      s += text(
        left + w * ((k % p.columns) + 0.5),
        top + h * (Math.floor(k / p.columns) + 0.5) + 4,
        said,
        `text-anchor="middle"${strong ? ' class="on-colour"' : ""}`,
      );
  });
  s += `<rect x="${px(left)}" y="${top}" width="${px(right - left)}" height="${px(bottom - top)}" fill="none" stroke="currentColor" stroke-opacity=".4"/>`;
  const every = (n, room) => Math.max(1, Math.ceil(n / Math.max(1, room)));
  const names = (ticks, n) => (ticks ? spelled(ticks, at).map(seen) : Array.from({ length: n }, (_, k) => String(k)));
  const columns = names(p.x_ticks, p.columns);
  const rows = names(p.y_ticks, p.rows);
  const skipX = every(p.columns, (right - left) / (widest(columns) + 8));
  const skipY = every(p.rows, (bottom - top) / 14);
  columns.forEach((n, k) => {
    if (k % skipX === 0) s += text(left + w * (k + 0.5), bottom + 15, n, 'text-anchor="middle" class="axis"');
  });
  rows.forEach((n, k) => {
    if (k % skipY === 0) s += text(left - 6, top + h * (k + 0.5) + 4, n, 'text-anchor="end" class="axis"');
  });
  s +=
    text((left + right) / 2, bottom + 33, p.x_label, 'text-anchor="middle" class="axis"') +
    text(4, top - 10, p.y_label, 'class="axis"');
  for (let k = 0; k < 24; k++) {
    // the colour scale
    const v = p.range[0] + ((p.range[1] - p.range[0]) * (k + 0.5)) / 24;
    const [role, strength] = shade(v, p.range);
    const step = (bottom - top) / 24;
    s += `<rect class="role-${role}" fill="currentColor" fill-opacity="${clamp(strength, 0, 1).toFixed(3)}" x="${px(right + 12)}" y="${px(bottom - step * (k + 1))}" width="12" height="${px(step)}" shape-rendering="crispEdges"/>`;
  }
  s +=
    text(right + 28, top + 10, format(p.range[1], 2), 'class="axis"') +
    text(right + 28, bottom, format(p.range[0], 2), 'class="axis"');
  s += text(width - 4, top - 10, p.z_label, 'text-anchor="end" class="axis"');
  return { s, height: bottom + 40 };
}

export function drawDiagram(p, at) {
  const { layout } = p;
  const said = written(p, at);
  const lit = at(p.lit);
  const top = p.title ? 24 : 0;
  const place = Object.fromEntries(layout.ids.map((id, k) => [id, k]));
  const group = (part, inner) =>
    `<g class="role-${part.role}"${named(`${part.label ?? ""} ${part.symbol ?? ""}`)} opacity="${lit[place[part.id]] ? 1 : 0.38}">${inner}</g>`;
  let s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  s += `<g transform="translate(0 ${top})">`;
  for (const w of layout.wires) {
    const head = w.arrow ? arrowhead(...w.points.at(-1), ...w.points.at(-2)) : "";
    s += group(
      w,
      `<path d="M${w.points.map((q) => q.join()).join("L")}" fill="none" stroke="currentColor" stroke-width="2.2"/>${head}`,
    );
  }
  for (const b of layout.boxes) {
    const value = `${b.symbol} ${said[place[b.id]]}`.trim();
    const frame = `<rect x="${b.x - b.w / 2}" y="${b.y - b.h / 2}" width="${b.w}" height="${b.h}" rx="6" fill="currentColor" fill-opacity=".1" stroke="currentColor" stroke-width="1.6"/>`;
    s += group(
      b,
      frame +
        text(b.x, b.y + (value ? -6 : 5), b.label, 'text-anchor="middle" class="box-label"') +
        text(b.x, b.y + 15, value, 'text-anchor="middle" class="box-value"'),
    );
  }
  for (const o of layout.operations) {
    const value = said[place[o.id]];
    const number = value ? text(o.x, o.y + 12, value, 'text-anchor="middle"') : "";
    const label = value
      ? text(o.x, o.y - 3, o.label, 'text-anchor="middle"')
      : text(o.x, o.y + 5, o.label, 'text-anchor="middle" class="box-label"');
    s += group(
      o,
      `<circle cx="${o.x}" cy="${o.y}" r="${o.r}" fill="currentColor" fill-opacity=".1" stroke="currentColor" stroke-width="1.6"/>${label}${number}`,
    );
  }
  return { s: `${s}</g>`, height: layout.height + top, width: layout.width };
}
