// A text with a number for each of its tokens: as the ground of the token, or as strips of colour under it.
import { clamp, format, LETTER, px, spelled, text, widest } from "./marks.js";
import { shade } from "./panels.js";

const ADVANCE = 8.5; // width of a letter in the face of fixed width; explorer.css sets both faces
const FACE = "14px system-ui, sans-serif";
const STRONGEST = 0.5; // of a ground, so that the letters on it can always be read

// Where each token stands: {x, row, w}. Lines break between words; a long word, and a newline, break by themselves.
function wrapped(tokens, letters, width) {
  const ruler = document.createElement("canvas").getContext("2d");
  ruler.font = FACE;
  const wide = (t) => (letters ? ADVANCE : ruler.measureText(t).width + 9);
  const places = [];
  let x = 0;
  let row = 0;
  tokens.forEach((token, k) => {
    const starts = !letters || k === 0 || /\s/.test(tokens[k - 1]);
    let ahead = wide(token);
    if (letters && starts)
      for (let j = k + 1; j < tokens.length && !/^\s?$/.test(tokens[j]); j++) ahead += wide(tokens[j]);
    if (x > 0 && (x + wide(token) > width || (starts && x + ahead > width && ahead <= width))) {
      x = 0;
      row++;
    }
    places.push({ x, row, w: wide(token) });
    x += token ? wide(token) : 0;
    if (token === "\n") {
      x = 0;
      row++;
    }
  });
  return places;
}

// The strength of a value's colour, and the role it is drawn in: its own, or one of two around zero.
const toned = (v, range, role) => {
  const [two, strength] = shade(v, range);
  return [range[0] < 0 && range[1] > 0 ? two : role, clamp(strength, 0, 1)];
};

// From no colour to full colour, with the numbers at its ends.
function scale(p, x, y, role) {
  let s = text(x, y, format(p.range[0], 2), 'class="axis"');
  const from = x + LETTER * format(p.range[0], 2).length + 6;
  for (let k = 0; k < 12; k++) {
    const [tone, strength] = toned(p.range[0] + ((p.range[1] - p.range[0]) * (k + 0.5)) / 12, p.range, role);
    s += `<rect class="role-${tone}" fill="currentColor" fill-opacity="${(strength * STRONGEST).toFixed(3)}" x="${px(from + 6 * k)}" y="${px(y - 9)}" width="6" height="10" shape-rendering="crispEdges"/>`;
  }
  return s + text(from + 78, y, `${format(p.range[1], 2)}  ${p.z_label}`, 'class="axis"');
}

export function drawWords(p, at, width) {
  const tokens = spelled(p.text, at);
  const tracks = p.tracks.map((t) => ({ ...t, values: at(t.values) }));
  const strips = tracks.length > 1 || tracks[0].name ? tracks : []; // else the one track is the ground of the text
  const left = strips.length ? Math.min(widest(strips.map((t) => t.name)) + 10, width * 0.3) : 4;
  const places = wrapped(tokens, p.letters, width - left - 4);
  const line = 24 + 13 * strips.length + (strips.length ? 8 : 0);
  const scaled = p.z_label !== "";
  const top = (p.title ? 24 : 2) + (scaled ? 22 : 0);
  let s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  if (scaled) s += scale(p, 4, top - 8, strips.length ? "muted" : tracks[0].role);
  const block = (t, k, y, height) => {
    if (!tokens[k] || !Number.isFinite(t.values[k])) return "";
    const [role, strength] = toned(t.values[k], p.range, t.role);
    const { x, w } = places[k];
    return `<rect class="role-${role}" fill="currentColor" fill-opacity="${(strength * (strips.length ? 1 : STRONGEST)).toFixed(3)}" x="${px(left + x)}" y="${px(y)}" width="${px(w - (p.letters ? 0 : 2))}" height="${height}"/>`;
  };
  tokens.forEach((token, k) => {
    const { x, row, w } = places[k];
    const y = top + line * row;
    if (!strips.length) s += block(tracks[0], k, y, 20);
    strips.forEach((t, j) => {
      s += block(t, k, y + 22 + 13 * j, 11);
    });
    if (token.trim() || token === "\n")
      s += text(
        left + x + w / 2,
        y + 15,
        token === "\n" ? "↵" : token,
        `text-anchor="middle" class="${p.letters ? "letter" : "word"}"`,
      );
  });
  const rows = 1 + Math.max(0, ...places.filter((_, k) => tokens[k]).map((q) => q.row));
  for (let row = 0; row < rows; row++)
    strips.forEach((t, j) => {
      s += text(left - 8, top + line * row + 32 + 13 * j, t.name, `text-anchor="end" class="role-${t.role}"`);
    });
  return { s, height: top + line * rows + 4 };
}
