// What an anywidget brings with it: its code and its style. For the course's figures and for plain ipywidgets alike.

const modules = new Map();

/** A widget's own code, which travels in its state. */
export function moduleOf(source) {
  if (!modules.has(source)) {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    modules.set(
      source,
      import(address).then((m) => m.default),
    );
  }
  return modules.get(source);
}

const styled = new Set();

/** A widget's own style, once. The course's figures have theirs on every page of the book. */
export function styleOf(state) {
  const name = state._anywidget_id ?? "";
  if (!state._css || styled.has(name) || name.startsWith("course_pkg.")) return;
  styled.add(name);
  document.head.append(Object.assign(document.createElement("style"), { textContent: state._css }));
}
