// A button that moves a slider for the reader, one step at a time, as a clock does.

import { make } from "./elements.js";

const TICK = 350; // milliseconds: time to read a word and what was said of it

// The button for a slider's input element; `label` is what the slider is called.
export function clock(input, label) {
  const button = make("button", { type: "button", class: "explorer-clock" });
  let running = 0;
  let last = 0; // where this button has put the slider: who moves it elsewhere has taken it in hand
  const name = (verb) => {
    button.textContent = verb;
    button.setAttribute("aria-label", `${verb}: ${label}`);
  };
  const stop = () => {
    clearInterval(running);
    running = 0;
    name("Play");
  };
  const move = (to) => {
    last = to;
    input.value = to;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const step = () => {
    if (!button.isConnected || Number(input.value) !== last) return stop();
    move(last + 1);
    if (last >= Number(input.max)) stop();
  };
  button.addEventListener("click", () => {
    if (running) return stop();
    last = Number(input.value);
    if (last >= Number(input.max)) move(0); // from the end it begins again
    running = setInterval(step, TICK);
    name("Stop");
  });
  for (const event of ["pointerdown", "keydown"]) input.addEventListener(event, stop);
  name("Play");
  return button;
}
