// How far a prediction is from what the figure shows, in plain words.
import { format } from "../../course_pkg/widgets/marks.js";

/** A number as people write it: 0,5 and −3 and 1/4 too. NaN for anything else. */
export function numberIn(text) {
  const plain = text
    .trim()
    .replace(/[−–]/g, "-")
    .replace(/^\+/, "")
    .replace(/,(?=\d{1,2}$)/, ".")
    .replace(/,(?=\d{3})/g, "");
  const parts = plain
    .split("/")
    .map((part) => (/^-?(\d+\.?\d*|\.\d+)(e-?\d+)?$/i.test(part.trim()) ? Number(part) : NaN));
  if (parts.length > 2) return NaN;
  return parts.length === 2 ? parts[0] / parts[1] : parts[0];
}

const counted = (v, unit) => (unit ? `${format(v)} ${unit}` : format(v));

/** {said, shown, words, close} for a number. It is close when it is within a twentieth, or within `within`. */
export function numberGap(guess, value, unit = "", within = Math.abs(value) / 20) {
  const off = guess - value;
  const close = Math.abs(off) <= within + 1e-9;
  const answer = { said: counted(guess, unit), shown: counted(value, unit), close };
  if (format(guess) === format(value)) return { ...answer, words: "That is your number." };
  if (close) return { ...answer, words: "Your number is near it." };
  const more = off > 0 ? "more" : "less";
  const ratio = guess / value;
  const times = ratio > 1 ? ratio : 1 / ratio;
  const far = Number.isFinite(times) && ratio > 0 && times >= 2;
  const share = far ? `, ${format(times, 2)} times as ${off > 0 ? "much" : "little"}` : "";
  return { ...answer, words: `Your number is ${counted(Math.abs(off), unit)} ${more}${share}.` };
}

/** The same for one of several options. */
export const choiceGap = (options, chosen, right) => ({
  said: options[chosen],
  shown: options[right],
  close: chosen === right,
  words: chosen === right ? "That is what you chose." : "You chose another answer.",
});

/** The same for a drawn curve: the widest gap and where it is, as a share of the height of the axes. */
export function curveGap(guess, y, x, [low, high], log, xLabel) {
  const scaled = (v) => Math.min(Math.max(log ? Math.log10(v) : v, low), high);
  const gaps = y.map((v, k) => (Number.isFinite(v) ? (scaled(guess[k]) - scaled(v)) / (high - low) : 0));
  const widest = gaps.reduce((best, gap, k) => (Math.abs(gap) > Math.abs(gaps[best]) ? k : best), 0);
  const mean = gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / Math.max(1, y.filter(Number.isFinite).length);
  const percent = (v) => `${Math.round(100 * Math.abs(v))} %`;
  const side = gaps[widest] > 0 ? "above" : "below";
  const close = mean < 0.05 && Math.abs(gaps[widest]) < 0.2;
  const near = close ? "Your line runs close to it: on average" : "Your line is on average";
  return {
    said: "a line",
    shown: `${percent(mean)} of the height away`,
    close,
    words: `${near} ${percent(mean)} of the height away, at most ${percent(gaps[widest])}, ${side} it at ${xLabel} ${format(x[widest])}.`,
  };
}
