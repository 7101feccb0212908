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
  if (p.kind === "heatmap") {
    const z = at(p.z), ticks = p.y_ticks ? spelled(p.y_ticks, at) : [];
    return whole ? Array.from({ length: p.rows }, (_, r) => [ticks[r] || `${p.y_label} ${r}`, round(z.slice(r * p.columns, (r + 1) * p.columns))]) : [];
  }
  if (p.kind === "words") {
    const tokens = spelled(p.text, at), said = [[p.title || "text", whole ? tokens.map(seen) : [tokens.join(p.letters ? "" : " ")]]];
    return whole ? [...said, ...p.tracks.map((t) => [t.name || p.z_label, round(at(t.values))])] : said;
  }
  if (p.kind === "roll") {
    const notes = notesOf(p, at), last = notes.at(-1), name = p.title || "melody";
    if (!whole) return [[name, [`${notes.length} notes, ${format(last ? last.start + last.beats : 0)} beats`]]];
    return [["note", notes.map((n) => noteName(n.pitch))], ["from beat", notes.map((n) => format(n.start))], ["beats", notes.map((n) => format(n.beats))]];
  }
  const value = (v) => (p.log_y ? 10 ** v : v);
  const curves = p.curves.flatMap((c) => {
    const y = [c.name, Array.from(at(c.y), value)];
    return c.x ? [[`${c.name}: ${p.x_label}`, Array.from(at(c.x))], [`${c.name}: ${p.y_label}`, y[1]]] : [y];
  });
  if (whole) return [[p.x_label, round(at(p.x))], ...curves.map(([n, y]) => [n, round(y)])];
  return curves.map(([n, y]) => { const seen = y.filter(Number.isFinite); return [n, [seen.length ? `${format(seen[0])} to ${format(seen.at(-1))}` : "no values"]]; });
}
