// "Predict, then move" takes the prediction: then the figure moves, says what it shows, and the answer opens.
// The questions come from the page's {predictions} blocks (course_site/predictions.py); the truth comes from the
// figure's own table. Without this script the box is a text with questions, as on paper.
import { make } from "../../course_pkg/widgets/elements.js";
import { Answers, textHash } from "./answers.js";
import { choiceGap, curveGap, numberGap, numberIn } from "./gaps.js";
import { Pad, YOURS } from "./pad.js";
import { summary } from "./summary.js";
import { positionOf, slotsOf, truth } from "./values.js";

const STEP = 40; // ms between two places of a control on its way

/** A live figure, with its data read once. */
class Figure {
  constructor(root) {
    this.root = root;
    this.name = root.dataset.number ? `Figure ${root.dataset.number}` : "The figure above";
    root.id ||= `figure-${root.dataset.number ?? [...document.querySelectorAll(".course-explorer")].indexOf(root) + 1}`;
    this.spec = JSON.parse(root.querySelector(":scope > script").textContent);
  }

  /** Lead the controls to where the question is answered, one place after the other, or at once. */
  move(values) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const [name, goal] of Object.entries(positionOf(this.spec, values))) {
      const input = /** @type {HTMLInputElement} */ (this.root.querySelector(`[data-name="${name}"]`));
      if (!input || !(name in values)) continue;
      const set = (k) => {
        input.value = String(k);
        input.dispatchEvent(new Event("input", { bubbles: true }));
      };
      const stride = Math.max(1, Math.ceil(Math.abs(goal - Number(input.value)) / 12));
      const walk = () => {
        const left = goal - Number(input.value);
        if (still || Math.abs(left) <= stride || input.tagName === "SELECT") return set(goal);
        set(Number(input.value) + Math.sign(left) * stride);
        setTimeout(walk, STEP);
      };
      walk();
    }
  }

  /** Put the reader's line into a panel; without a line take it out. */
  line(panel, y) {
    const curve = y && { name: YOURS, y, role: "reader", style: "dashed" };
    this.root.dispatchEvent(new CustomEvent("course-line", { detail: { panel, curve } }));
  }
}

let count = 0;

/** One question's form, what came of it, and the way to answer it again. */
class Form {
  constructor(question, figure, answers, answered) {
    this.question = question;
    this.figure = figure;
    this.answers = answers;
    this.answered = answered;
    this.pad = null;
    this.asked = question.ask ? `${question.asked} (${question.ask})` : question.asked;
    this.id = textHash(this.asked);
    this.short = question.ask || question.asked;
    this.said = make("p", { class: "prediction-said", role: "status" });
    const legend = make(
      "legend",
      question.ask ? {} : { class: "visually-hidden" },
      question.ask || `Your prediction: ${question.asked}`,
    );
    this.fields = make("fieldset", {}, legend, ...this[question.kind](`prediction-${++count}`));
    this.element = make("form", { class: `prediction ${question.kind}` }, this.fields, this.said);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      const value = this.read();
      if (value === null) return;
      this.keep(value);
      this.close(value, true);
    });
    const kept = answers.get(this.id);
    if (kept && this.fits(kept.value)) this.close(kept.value, false); // a new edition may ask for something else
  }

  fits(value) {
    const { kind, options } = this.question;
    if (kind === "choose") return Number.isInteger(value) && value >= 0 && value < options.length;
    if (kind === "draw") return Array.isArray(value) && value.length === this.pad.bends.length;
    return kind === "number" ? Number.isFinite(value) : typeof value === "string";
  }

  commit(text) {
    return make("button", { type: "submit" }, text);
  }

  choose(id) {
    const options = this.question.options.map((text, k) => {
      const input = make("input", { type: "radio", name: id, value: String(k), required: "" });
      return make("label", {}, input, make("span", {}, text));
    });
    this.read = () => Number(/** @type {HTMLInputElement} */ (this.fields.querySelector(":checked")).value);
    this.fill = (k) => {
      options[k].firstChild.checked = true;
    };
    return [make("div", { class: "options" }, ...options), this.commit("This is my prediction")];
  }

  number(id) {
    const input = make("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", size: "8" });
    this.read = () => {
      if (Number.isFinite(numberIn(input.value))) return numberIn(input.value);
      this.said.textContent = "Write a number, such as 0.5 or −3.";
      input.focus();
      return null;
    };
    this.fill = (v) => {
      input.value = String(v);
    };
    const label = make("label", { for: id }, "Your number");
    return [label, input, ...(this.question.unit ? [this.question.unit] : []), this.commit("This is my prediction")];
  }

  draw() {
    const { panel = 0, at, curve } = this.question;
    const p = this.figure.spec.panels[panel];
    const slots = slotsOf(this.figure.spec)(at);
    // Beside the reader's line stand only curves that no control moves: the others would tell.
    const still = (c) => !c.x && this.figure.spec.table[c.y.slot].shape.slice(0, -1).every((along) => along === 1);
    const button = this.commit("This is my line");
    button.disabled = true;
    this.pad = new Pad(
      p,
      (ref) => slots[ref.slot],
      curve,
      still,
      () => {
        button.disabled = false;
      },
    );
    this.read = () => this.pad.bends.map((v) => Number(v.toPrecision(4)));
    this.fill = (bends) => {
      this.pad.bends = [...bends];
    };
    const how = make("p", { class: "how" }, `Draw “${curve}” with the mouse or a finger, or with the arrow keys.`);
    return [how, this.pad.element, button];
  }

  why(id) {
    const input = make("textarea", { id, rows: "2" });
    this.read = () => {
      if (input.value.trim()) return input.value.trim();
      this.said.textContent = "A few words are enough.";
      input.focus();
      return null;
    };
    this.fill = (text) => {
      input.value = text;
    };
    return [make("label", { for: id }, "In your words"), input, this.commit("Compare with the answer")];
  }

  /** The prediction beside what the figure shows. */
  gap(value) {
    const found = truth(this.question, this.figure.spec);
    if (this.question.kind === "number") return numberGap(value, found.value, this.question.unit, this.question.within);
    if (this.question.kind === "choose") return choiceGap(this.question.options, value, found.right[0]);
    if (this.question.kind === "why") return { said: value, shown: "", close: true, words: "" };
    this.fill(value);
    const { panel, x } = this.pad;
    return curveGap(this.pad.y, found.y, x, this.pad.range, panel.log_y, panel.x_label);
  }

  keep(value) {
    const { said, shown, close } = this.gap(value);
    this.answers.set(this.id, { figure: this.figure.name, asked: this.short, value, said, shown, close });
  }

  /** Show what came of an answer; move the figure when it has just been given. */
  close(value, fresh) {
    const { question, figure } = this;
    const gap = this.gap(value);
    this.fill(value);
    this.fields.disabled = true;
    if (this.pad) {
      this.pad.open = false;
      this.pad.draw();
      this.pad.element.setAttribute("aria-disabled", "true");
      figure.line(question.panel ?? 0, this.pad.y);
    }
    if (fresh && question.kind !== "why") figure.move(question.at);
    const place = make("a", { href: `#${figure.root.id}` }, figure.name);
    const apart = make("span", { class: gap.close ? "gap-near" : "gap-far" }, gap.words);
    const words = {
      why: ["Kept. Compare it with the answer below."],
      draw: [apart, " Both are in ", place, "."],
    }[question.kind] ?? [place, ` shows: ${gap.shown}. `, apart];
    const again = make("button", { type: "button", class: "again" }, "Answer again");
    again.addEventListener("click", () => {
      this.open();
      /** @type {HTMLElement} */ (this.fields.querySelector("input, textarea, [role=slider]")).focus();
    });
    this.said.replaceChildren(...words, " ", again);
    this.element.dataset.answered = "";
    if (fresh) {
      again.focus({ preventScroll: true }); // what was pressed is gone
      this.answered();
    }
  }

  open() {
    this.answers.set(this.id, null);
    this.fields.disabled = false;
    delete this.element.dataset.answered;
    if (this.pad) {
      this.pad.open = true;
      this.pad.element.removeAttribute("aria-disabled");
      this.pad.draw();
      this.figure.line(this.question.panel ?? 0);
    }
    this.said.replaceChildren();
    this.answered();
  }
}

/** The answer that follows a box: the next thing that opens, if that is what comes next. */
const answerOf = (box) => {
  const next = box.nextElementSibling;
  return next?.matches("details") && /^\s*Answer/.test(next.querySelector("summary")?.textContent) ? next : null;
};

/** Give every box of the page its forms. `boxes`: for each {predictions} block its figure's number and questions. */
export function predict(name, boxes) {
  const places = [...document.querySelectorAll(".predictions")];
  if (!places.length) return;
  const roots = [...document.querySelectorAll(".course-explorer")];
  const answers = new Answers(name);
  const figures = new Map();
  const forms = [];
  const end = summary(name, answers, () => forms);
  places.forEach((place, k) => {
    const { figure, questions } = boxes[k];
    if (!figures.has(figure)) figures.set(figure, new Figure(roots[figure]));
    const box = place.closest(".admonition");
    const items = [...box.querySelectorAll(":scope > ol > li")];
    const here = [];
    const answered = () => {
      end.show();
      const answer = answerOf(box);
      if (answer && here.every((form) => "answered" in form.element.dataset)) answer.open = true;
    };
    questions.forEach((question, j) => {
      const item = items[(question.item ?? j + 1) - 1];
      const form = new Form(question, figures.get(figure), answers, answered);
      here.push(form);
      (item ?? box).append(form.element);
    });
    forms.push(...here);
  });
  end.show();
}
