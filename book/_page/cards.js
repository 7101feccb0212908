// Review cards: one at a time, those that are due. The cards of the page move into a frame and back; nothing is copied,
// so formulas stay typeset.
import { make } from "../../course_pkg/widgets/elements.js";
import { dayOf, GRADES, graded, inWords, recall, store, todays } from "./schedule.js";

const chapterOf = (card) => Number(/\d+/.exec(card.closest("section").querySelector("h2").textContent)[0]);

/** The furthest chapter that the reader has opened, as far as this browser knows; else all of them. */
function furthest(last) {
  try {
    const seen = Object.keys(JSON.parse(localStorage.getItem("course-way")).seen);
    return Math.max(...seen.map((name) => Number.parseInt(name, 10)).filter((n) => n <= last));
  } catch {
    return last;
  }
}

function cards() {
  const all = [...document.querySelectorAll(".flashcard")].map((card) => ({
    card,
    name: card.id,
    chapter: chapterOf(card),
  }));
  if (!all.length) return;
  const chapters = [...new Set(all.map((one) => one.chapter))];
  const kept = recall(localStorage);
  const last = chapters.at(-1);
  const asked = kept.upTo ?? furthest(last);
  const upTo = Number.isFinite(asked) ? asked : last;
  const again = new Set(); // forgotten a moment ago: these come back at the end of today's
  let now = null;

  const choice = make("select", {}, ...chapters.map((n) => make("option", { value: `${n}` }, `${n}`)));
  choice.value = `${chapters.filter((n) => n <= upTo).at(-1) ?? chapters[0]}`;
  const said = make("p", { role: "status" });
  const frame = make("div", { class: "flashcard-frame", hidden: "" });
  const show = make("button", { type: "button" }, "Show the answer");
  const begin = make("button", { type: "button" }, "Begin");
  const stop = make("button", { type: "button", hidden: "" }, "Stop");
  const forget = make("button", { type: "button" }, "Forget all dates");
  const grades = Object.keys(GRADES).map((word) => make("button", { type: "button", "data-grade": word }, word));
  const buttons = make("div", { class: "buttons", hidden: "" }, show, ...grades);
  const label = make("label", {}, "Chapters 1 to ", choice);
  const place = make("section", { class: "flashcard-review", "aria-label": "Review" });
  place.append(make("p", { class: "title" }, "Review"), label, said, frame, buttons);
  place.append(make("div", { class: "buttons" }, begin, stop, forget));
  document.querySelector(".bd-article section section")?.before(place);

  const within = () => all.filter((one) => one.chapter <= Number(choice.value)).map((one) => one.name);
  const waiting = () => {
    const found = todays(within(), kept, dayOf(new Date()));
    return [...found.filter((name) => !again.has(name)), ...found.filter((name) => again.has(name))];
  };
  const keep = () => {
    if (!store(localStorage, kept)) said.append(" This browser keeps nothing: the dates are gone when the page is.");
  };
  const tell = () => {
    const count = waiting().length;
    const begun = within().filter((name) => kept.cards[name]).length;
    const next = Math.min(...within().map((name) => kept.cards[name]?.due ?? Number.POSITIVE_INFINITY));
    const wait = inWords(Math.max(1, next - dayOf(new Date())));
    const none = Number.isFinite(next) ? `Nothing is left for today. The next card is due in ${wait}.` : "";
    said.textContent = `${count ? `${count} ${count === 1 ? "card" : "cards"} for today.` : none} ${begun} of ${within().length} begun.`;
    begin.disabled = count === 0;
  };
  const back = () => {
    if (now) {
      now.card.querySelector("details").open = false;
      now.hole.replaceWith(now.card);
    }
    now = null;
    frame.hidden = buttons.hidden = stop.hidden = true;
    begin.hidden = forget.hidden = false;
  };
  const turn = (answered) => {
    show.hidden = answered;
    for (const button of grades) button.hidden = !answered;
  };
  const next = () => {
    back();
    tell();
    const name = waiting()[0];
    if (!name) return begin.disabled ? choice.focus() : begin.focus();
    const { card } = all.find((one) => one.name === name);
    now = { card, name, hole: document.createComment("card") };
    card.replaceWith(now.hole);
    frame.replaceChildren(card);
    card.querySelector("details").open = false;
    frame.hidden = buttons.hidden = stop.hidden = false;
    begin.hidden = forget.hidden = true;
    turn(false);
    show.focus();
  };
  const answer = () => {
    now.card.querySelector("details").open = true;
    const day = dayOf(new Date());
    for (const button of grades) {
      const word = button.dataset.grade;
      const wait = graded(kept.cards[now.name], GRADES[word], day).wait;
      button.replaceChildren(word, make("small", {}, inWords(wait)));
    }
    turn(true);
    grades[2].focus();
  };
  const grade = (word) => {
    const day = dayOf(new Date());
    if (!kept.cards[now.name]) {
      kept.begun = { day, count: (kept.begun.day === day ? kept.begun.count : 0) + 1 };
    }
    kept.cards[now.name] = graded(kept.cards[now.name], GRADES[word], day);
    again[word === "Again" ? "add" : "delete"](now.name);
    next();
    keep();
  };

  show.addEventListener("click", answer);
  for (const button of grades) button.addEventListener("click", () => grade(button.dataset.grade));
  begin.addEventListener("click", next);
  stop.addEventListener("click", () => {
    back();
    tell();
    begin.focus();
  });
  choice.addEventListener("change", () => {
    kept.upTo = Number(choice.value);
    back();
    tell();
    keep();
  });
  forget.addEventListener("click", () => {
    kept.cards = {};
    again.clear();
    kept.begun = { day: 0, count: 0 };
    tell();
    keep();
  });
  // A reader who opens the answer in the frame without the button has seen it, too.
  frame.addEventListener(
    "toggle",
    () => now?.card.querySelector("details").open && show.hidden === false && answer(),
    true,
  );
  tell();
}

cards();
