// A melody: notes on a piano roll, and the sound of them, made in the page with Web Audio.

import { make } from "./elements.js";
import { format, niceTicks, px, text } from "./marks.js";
import { noteName, notesOf } from "./notes.js";

const PATIENCE = 3000; // milliseconds until a clock that does not move means that there is nothing to play on
const hertz = (pitch) => 440 * 2 ** ((pitch - 69) / 12); // equal temperament: A4, number 69, is 440 Hz

export function drawRoll(p, at, width) {
  const [low, high] = p.range;
  const row = 8;
  const top = p.title ? 30 : 10;
  const left = 34;
  const right = width - 6;
  const bottom = top + row * (high - low + 1);
  const X = (beat) => left + ((beat - p.span[0]) / (p.span[1] - p.span[0])) * (right - left);
  const Y = (pitch) => bottom - row * (pitch - low + 1);
  let s = p.title ? text(4, 14, p.title, 'class="panel-title"') : "";
  for (let pitch = low; pitch <= high; pitch++)
    if (pitch % 12 === 0) {
      // each C: its lower edge, and its name
      s += `<path d="M${px(left)},${px(Y(pitch) + row)}H${px(right)}" stroke="currentColor" stroke-opacity=".2"/>${text(left - 6, Y(pitch) + row + 1, noteName(pitch), 'text-anchor="end" class="axis"')}`;
    }
  for (const beat of niceTicks(...p.span, (right - left) / 60)) {
    s += `<path d="M${px(X(beat))},${px(top)}V${px(bottom)}" stroke="currentColor" stroke-opacity=".1"/>${text(X(beat), bottom + 15, format(beat), 'text-anchor="middle" class="axis"')}`;
  }
  s += `<path d="M${px(left)},${px(bottom)}H${px(right)}" stroke="currentColor" stroke-opacity=".5"/>${text((left + right) / 2, bottom + 32, "beat (a quarter note)", 'text-anchor="middle" class="axis"')}`;
  for (const n of notesOf(p, at)) {
    const to = Math.min(n.start + n.beats, p.span[1]);
    const pitch = Math.round(n.pitch);
    if (to > n.start && pitch >= low && pitch <= high)
      s += `<rect class="role-${p.role} note" data-start="${n.start}" fill="currentColor" x="${px(X(n.start))}" y="${px(Y(pitch) + 1)}" width="${px(Math.max(2, X(to) - X(n.start) - 1.5))}" height="${row - 2}" rx="2"/>`;
  }
  return { s, height: bottom + 38 };
}

// Puts every note on the clock of an audio context, from `now` on. Returns when the last one has faded, in seconds.
function schedule(context, notes, tempo, now) {
  const seconds = 60 / tempo;
  const all = context.createGain();
  all.gain.value = 0.2;
  all.connect(context.destination);
  let end = now;
  for (const n of notes) {
    const from = now + n.start * seconds;
    const to = from + n.beats * seconds * 0.94; // a breath between two notes
    const tone = context.createOscillator();
    const loud = context.createGain();
    tone.type = "triangle";
    tone.frequency.value = hertz(n.pitch);
    loud.gain.setValueAtTime(0, from);
    loud.gain.linearRampToValueAtTime(1, from + 0.015); // a start without a click
    loud.gain.setTargetAtTime(0.45, from + 0.015, 0.25);
    loud.gain.setTargetAtTime(0, to, 0.03);
    tone.connect(loud).connect(all);
    tone.start(from);
    tone.stop(to + 0.2);
    end = Math.max(end, to + 0.2);
  }
  return end;
}

// A button that plays and stops. `notes()` gives the melody that is shown. While it plays, `place.dataset.seconds`
// holds its length, and the note that sounds is outlined.
export function player(place, notes, p, title) {
  const button = make("button", { type: "button", class: "explorer-play" }, "Play");
  const said = make("span", { class: "explorer-played", role: "status" });
  button.setAttribute("aria-label", `Play: ${p.title || title}`);
  place.append(make("p", { class: "explorer-sound" }, button, said));
  let context = null;
  let frame = 0;
  const stop = (message = "") => {
    if (!context) return;
    cancelAnimationFrame(frame);
    context.close();
    context = null;
    button.textContent = "Play";
    button.setAttribute("aria-label", `Play: ${p.title || title}`);
    place.dataset.playing = "no";
    for (const note of place.querySelectorAll(".note.sounding")) note.classList.remove("sounding");
    said.textContent = message;
  };
  const follow = (from, end, asked) => {
    if (!context) return;
    if (context.currentTime < from && performance.now() - asked > PATIENCE)
      return stop("No sound can be played on this device.");
    const beat = (context.currentTime - from) * (p.tempo / 60);
    let last = null;
    for (const n of place.querySelectorAll(".note")) {
      n.classList.remove("sounding");
      if (Number(n.dataset.start) <= beat) last = n;
    }
    last?.classList.add("sounding");
    if (context.currentTime >= end) stop("Played.");
    else frame = requestAnimationFrame(() => follow(from, end, asked));
  };
  button.addEventListener("click", () => {
    if (context) return stop();
    const melody = notes();
    if (!melody.length) {
      said.textContent = "There is no note to play.";
      return;
    }
    try {
      context = new AudioContext();
    } catch (_error) {
      said.textContent = "This browser plays no sound.";
      return;
    }
    const from = context.currentTime + 0.1;
    const end = schedule(context, melody, p.tempo, from);
    place.dataset.seconds = (end - from).toFixed(2);
    place.dataset.playing = "yes";
    button.textContent = "Stop";
    button.setAttribute("aria-label", `Stop: ${p.title || title}`);
    said.textContent = `Notes: ${melody.length}. Seconds: ${Math.round(end - from)}.`;
    context.resume();
    follow(from, end, performance.now());
  });
  return { stop };
}
