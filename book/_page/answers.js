// A reader's predictions, kept by this browser for the next visit, one entry for each page. Nothing leaves the browser.

/** A number of 32 bits that stands for a text (FNV-1a): an answer belongs to a question as it was asked. */
export function textHash(text) {
  let sum = 0x811c9dc5;
  for (let k = 0; k < text.length; k++) sum = Math.imul(sum ^ text.charCodeAt(k), 0x01000193);
  return (sum >>> 0).toString(16);
}

export class Answers {
  /** Of the page `name`, such as 05-bptt: the same in every edition and at every address of the site. */
  constructor(name) {
    this.key = `course-predictions ${name}`;
    this.all = {};
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "{}");
      if (kept && typeof kept === "object" && !Array.isArray(kept)) this.all = kept;
    } catch {
      // nothing is kept for this page, or something that is not ours: begin anew
    }
  }

  get(id) {
    return this.all[id];
  }

  set(id, answer) {
    if (answer) this.all[id] = answer;
    else delete this.all[id];
    try {
      if (Object.keys(this.all).length) localStorage.setItem(this.key, JSON.stringify(this.all));
      else localStorage.removeItem(this.key);
    } catch {
      // full, or switched off: then it lasts as long as the page
    }
  }

  clear() {
    for (const id of Object.keys(this.all)) this.set(id, null);
  }

  /** Every answer as lines of plain text. */
  asText(title) {
    const lines = Object.values(this.all).map(
      (a) => `${a.figure}: ${a.asked}\n  I said: ${a.said}${a.shown ? `\n  The figure shows: ${a.shown}` : ""}`,
    );
    return [title, ...lines].join("\n\n");
  }
}
