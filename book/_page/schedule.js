// When a review card comes back: SM-2 (Wozniak 1990), and what the browser keeps of it. No page is needed to test it.
const CARDS_KEY = "course-cards";
const NEW_A_DAY = 10;
const EASE = 2.5; // of a new card: how many times longer it waits after each success
const LEAST_EASE = 1.3;

/** The four answers and their quality in SM-2, where 5 is the best and below 3 is forgotten. */
export const GRADES = { Again: 2, Hard: 3, Good: 4, Easy: 5 };

/** The number of the reader's own day: due dates change at midnight where the reader is. */
export const dayOf = (now) => Math.floor((now.getTime() / 60_000 - now.getTimezoneOffset()) / 1440);

/** What is kept of a card after an answer of that quality on that day; `card` is undefined for a new one. */
export function graded(card, quality, day) {
  const { ease, times, wait } = card ?? { ease: EASE, times: 0, wait: 0 };
  if (quality < 3) return { ease, times: 0, wait: 0, due: day };
  const missing = 5 - quality;
  const next = times === 0 ? 1 : times === 1 ? 6 : Math.ceil(wait * ease);
  const eased = Math.max(LEAST_EASE, ease + 0.1 - missing * (0.08 + 0.02 * missing));
  return { ease: eased, times: times + 1, wait: next, due: day + next };
}

/** The cards of today, as their names: first those that are due, the longest overdue first, then new ones. */
export function todays(names, kept, day) {
  const due = names.filter((name) => kept.cards[name] && kept.cards[name].due <= day);
  due.sort((a, b) => kept.cards[a].due - kept.cards[b].due);
  const left = NEW_A_DAY - (kept.begun.day === day ? kept.begun.count : 0);
  const fresh = names.filter((name) => !kept.cards[name]).slice(0, Math.max(0, left));
  return [...due, ...fresh];
}

/** How long a wait is, in words. */
export const inWords = (days) => {
  if (days === 0) return "today";
  if (days === 1) return "1 day";
  return days < 60 ? `${days} days` : `${Math.round(days / 30)} months`;
};

const number = (value) => typeof value === "number" && Number.isFinite(value);
const sound = (card) => card && ["ease", "times", "wait", "due"].every((key) => number(card[key]));

/** What the browser kept, without whatever cannot have been written here. */
export function recall(storage) {
  let found;
  try {
    found = JSON.parse(storage.getItem(CARDS_KEY));
  } catch {
    found = null; // another text under this name, or a browser that keeps nothing
  }
  const cards = Object.fromEntries(Object.entries(found?.cards ?? {}).filter(([, card]) => sound(card)));
  const begun = number(found?.begun?.day) && number(found?.begun?.count) ? found.begun : { day: 0, count: 0 };
  return { cards, begun, upTo: number(found?.upTo) ? found.upTo : null };
}

/** Keep it; false where the browser does not. */
export function store(storage, kept) {
  try {
    storage.setItem(CARDS_KEY, JSON.stringify(kept));
    return true;
  } catch {
    return false;
  }
}
