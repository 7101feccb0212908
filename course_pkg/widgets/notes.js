// The notes of a melody: their order and their names.

const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

export function noteName(pitch) {
  const whole = Math.round(pitch);
  return `${NAMES[((whole % 12) + 12) % 12]}${Math.floor(whole / 12) - 1}`;
}

// The notes of a panel, in the order of time; gaps are the places of a shorter melody.
export function notesOf(p, at) {
  const [pitch, start, beats] = [p.pitch, p.start, p.beats].map((slot) => Array.from(at(slot)));
  return pitch
    .map((v, k) => ({ pitch: v, start: start[k], beats: beats[k] }))
    .filter((n) => [n.pitch, n.start, n.beats].every(Number.isFinite))
    .sort((a, b) => a.start - b.start);
}
