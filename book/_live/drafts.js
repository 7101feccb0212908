// What a reader has written into a cell, kept by the browser for the next visit. It belongs to the page, to the
// cell's place in it and to what the book has there: where the book's cell has changed, the draft is not shown.

/** A number of 32 bits that stands for a text (FNV-1a). */
export function hash(text) {
  let sum = 0x811c9dc5;
  for (let k = 0; k < text.length; k++) sum = Math.imul(sum ^ text.charCodeAt(k), 0x01000193);
  return (sum >>> 0).toString(16);
}

export class Draft {
  /** Of the cell `number` of the page `path`, in which the book has `written`. */
  constructor(path, number, written) {
    this.written = written;
    this.key = `course-cell ${path} ${number} ${hash(written)}`;
  }

  /** What the reader wrote, or null. */
  read() {
    try {
      return localStorage.getItem(this.key);
    } catch {
      return null; // the browser keeps nothing for this page, as in some private windows
    }
  }

  /** Keep `code`; what the book has itself needs no keeping. */
  write(code) {
    try {
      if (code === this.written) localStorage.removeItem(this.key);
      else localStorage.setItem(this.key, code);
    } catch {
      // full, or switched off: then it lasts as long as the page
    }
  }
}
