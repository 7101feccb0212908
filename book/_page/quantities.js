// One quantity, everywhere: point at a symbol, a name in a listing or a mark in a figure, and all places of the same
// quantity on the page light up, while a line at the foot of the window says what it is. A click or a tap keeps it lit.
// course_site/quantities.py has given symbols and names their classes; figures carry their labels. In figures
// what is lit follows from rules of style, so that what is drawn anew stays lit.
import { make } from "../../course_pkg/widgets/elements.js";

const KEPT = "course-symbols"; // whether Tab reaches the symbols
const PLACES = "[class*='q-'], [data-of]";

/** The rule that lights a quantity in figures, which are drawn anew under it, while they say data-lit="name". */
export function rule(name, labels) {
  const figure = `.course-explorer[data-lit="${name}"]`;
  const places = (tags) =>
    labels.flatMap((label) => tags.map((tag) => `${figure} ${tag}[data-of=${JSON.stringify(label)}]`)).join(", ");
  if (!labels.length) return "";
  return `${places(["label", "span"])} { outline: 2px solid; }
:is(${places(["g"])}) :is(path, rect, circle) { stroke-width: 4.5; }
:is(${places(["g"])}) rect { fill-opacity: 0.3; }
:is(${places(["g", "text"])}), :is(${places(["g"])}) text { font-weight: 700; text-decoration: underline; }\n`;
}

/** Where quantities are looked for: {label of a figure: name}. */
export const labelled = (known) =>
  new Map(Object.entries(known).flatMap(([name, q]) => q.labels.map((label) => [label, name])));

export function quantities(known) {
  if (!document.querySelectorAll("article").length) return;
  const names = labelled(known);
  document.head.append(make("style", {}, ...Object.entries(known).map(([name, q]) => rule(name, q.labels))));
  const said = make("span", { role: "status" });
  const close = make("button", { type: "button" }, "Close");
  const line = make("div", { class: "quantity-line", hidden: "" }, said, close);
  document.body.append(line);
  let shown = null;
  let pinned = null;

  // The outermost place counts: in dh, the h is a part of the gradient.
  const quantityAt = (element) => {
    let found = null;
    for (let place = element?.closest?.(PLACES); place; place = place.parentElement?.closest(PLACES)) {
      const marked = [...place.classList].find((c) => c.startsWith("q-") && c.slice(2) in known)?.slice(2);
      found = marked ?? names.get(place.dataset.of) ?? found;
    }
    return found;
  };
  const show = (name) => {
    if (name === shown) return;
    shown = name;
    for (const place of [...document.getElementsByClassName("q-lit")]) place.classList.remove("q-lit");
    for (const figure of document.querySelectorAll(".course-explorer")) figure.setAttribute("data-lit", name ?? "");
    if (name)
      for (const place of document.querySelectorAll(`article .q-${name}:not(math *)`)) place.classList.add("q-lit");
    line.hidden = !name;
    if (!name) return;
    const { symbol, role, said: what, code } = known[name];
    const notation = make("a", { href: "notation.html#quantities" }, "Notation");
    const inCode = code ? [" In the code: ", make("code", {}, code), "."] : [];
    said.replaceChildren(make("strong", { class: `role-${role}` }, symbol), ` ${what}.`, ...inCode, " ", notation);
  };
  const pin = (name) => {
    pinned = name;
    show(name);
    close.hidden = !name;
  };
  close.hidden = true;
  close.addEventListener("click", () => pin(null));

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch" || pinned) return;
    if (!line.contains(/** @type {Node} */ (event.target))) show(quantityAt(event.target));
  });
  document.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (line.contains(target) || target.closest("label, input, select, a, button")) return;
    pin(quantityAt(target));
  });
  const unpin = (event) => {
    if (event.key === "Escape" && shown) pin(null);
  };
  document.addEventListener("keydown", unpin, true); // before a figure's controls keep the key for themselves
  document.addEventListener("focusin", ({ target }) => {
    const control = /** @type {Element} */ (target).closest("label[data-of]");
    if (control && !pinned) show(quantityAt(control));
  });
  document.addEventListener("focusout", () => {
    if (!pinned) show(null);
  });
  keys(known, quantityAt, show, pin);
}

// Tab reaches equations and listings when the reader asks for it; there the arrow keys go from symbol to symbol.
function keys(known, quantityAt, show, pin) {
  const marks = Object.keys(known).map((name) => `.q-${name}:not(math *)`); // not in what is only read aloud
  const added = new Set(); // what can scroll is in the tab order without us
  const holders = () =>
    /** @type {HTMLElement[]} */ ([
      ...document.querySelectorAll("article mjx-container, article div[class*='highlight-python'] pre"),
    ]).filter((e) => e.querySelector(marks.join(", ")));
  const toggle = make("button", { type: "button", class: "symbol-keys", "aria-pressed": "false" });
  toggle.textContent = "Let Tab reach the symbols on this page";
  const set = (on) => {
    toggle.setAttribute("aria-pressed", String(on));
    for (const holder of holders()) {
      if (on && !holder.hasAttribute("tabindex")) {
        holder.tabIndex = 0;
        added.add(holder);
      }
      if (!on && added.delete(holder)) holder.removeAttribute("tabindex");
    }
    try {
      if (on) localStorage.setItem(KEPT, "on");
      else localStorage.removeItem(KEPT);
    } catch {
      // then it lasts as long as the page
    }
  };
  toggle.addEventListener("click", () => set(toggle.getAttribute("aria-pressed") === "false"));
  document.querySelector("article h1")?.after(toggle);
  let place = 0;
  document.addEventListener("focusin", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (toggle.getAttribute("aria-pressed") === "true" && holders().includes(target)) step(target, 0);
  });
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const way = { ArrowRight: 1, ArrowLeft: -1, Enter: 0 }[event.key];
    if (way === undefined || toggle.getAttribute("aria-pressed") === "false" || !holders().includes(target)) return;
    event.preventDefault();
    if (event.key === "Enter") pin(quantityAt(parts(target)[place]));
    else step(target, place + way);
  });
  const parts = (holder) =>
    [...holder.querySelectorAll(marks.join(", "))].filter((e) => !e.parentElement.closest(marks.join(", ")));
  const step = (holder, to) => {
    const all = parts(holder);
    place = (to + all.length) % all.length;
    pin(null);
    show(quantityAt(all[place]));
    all[place].scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  let on = null;
  try {
    on = localStorage.getItem(KEPT);
  } catch {
    // nothing is kept here
  }
  // Equations are there when the page has loaded and MathJax is done.
  if (on) addEventListener("load", () => Promise.resolve(globalThis.MathJax?.startup?.promise).then(() => set(true)));
}
