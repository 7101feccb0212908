// Where a reader has been: kept in this browser only, told on the first page, forgotten at a click. It stands inside
// every page, so it is no module.
{
  const KEY = "course-way";
  const READ = 0.9; // of a page's height: who has seen so much of it has read it

  const kept = () => {
    try {
      return JSON.parse(localStorage.getItem(KEY)) ?? {};
    } catch {
      return {}; // the browser keeps nothing for this page, as in some private windows
    }
  };
  const keep = (way) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(way));
    } catch {
      // full, or switched off
    }
  };
  const textOf = (heading) => {
    const copy = heading.cloneNode(true);
    for (const link of copy.querySelectorAll(".headerlink")) link.remove();
    return copy.textContent.trim();
  };

  // On a chapter: the last section whose heading has come above the middle of the window, once something was scrolled.
  const follow = (chapter) => {
    let waiting = 0;
    const note = () => {
      const headings = [...document.querySelectorAll(".bd-article :is(h1, h2, h3)")];
      const passed = headings.filter((h) => h.getBoundingClientRect().top < innerHeight / 2);
      const at = passed.at(-1) ?? headings[0];
      if (!at) return;
      const way = kept();
      const seen = (scrollY + innerHeight) / document.documentElement.scrollHeight;
      way.seen = { ...way.seen, [chapter]: Math.max(way.seen?.[chapter] ?? 0, Math.round(100 * seen) / 100) };
      way.last = { chapter, title: textOf(headings[0]), section: textOf(at), id: at.closest("section")?.id ?? "" };
      keep(way);
    };
    addEventListener(
      "scroll",
      () => {
        clearTimeout(waiting);
        waiting = setTimeout(note, 300);
      },
      { passive: true },
    );
  };

  // On the first page: a line that leads back, and a word beside each chapter that was opened.
  const tell = (table) => {
    const way = kept();
    const said = [];
    const put = (place, element, text, type) => {
      const e = document.createElement(element);
      e.className = type;
      e.textContent = text;
      place.append(e);
      said.push(e);
      return e;
    };
    for (const link of table.querySelectorAll("td:nth-child(2) a[href]")) {
      const seen = way.seen?.[chapterOf(link.getAttribute("href"))];
      if (seen) put(link.parentElement, "span", seen >= READ ? " read" : " begun", "way-seen");
    }
    if (!way.last) return;
    const { chapter, title, section, id } = way.last;
    const line = document.createElement("p");
    line.className = "way-last";
    put(line, "span", "You stopped in ", "");
    const back = put(line, "a", section === title ? title : `${title} At: ${section}`, "");
    back.setAttribute("href", `${chapter}.html${id ? `#${id}` : ""}`);
    put(line, "span", ". Only this browser knows. ", "");
    const forget = put(line, "button", "Forget it", "");
    forget.setAttribute("type", "button");
    forget.addEventListener("click", () => {
      localStorage.removeItem(KEY);
      for (const e of [line, ...said]) e.remove();
    });
    document.querySelector(".bd-article h1")?.after(line);
  };

  const chapterOf = (path) => /(\d\d-[\w-]+)\.html/.exec(path)?.[1];
  addEventListener("DOMContentLoaded", () => {
    const table = document.querySelector(".course-way");
    const chapter = chapterOf(location.pathname);
    if (table) tell(table);
    else if (chapter) follow(chapter);
  });
}
