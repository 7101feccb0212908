// A cell that can be edited.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

/** An editor over `code` in place of `element`. `run` is called at Shift-Enter, `changed` with each new text; `label`
 * names it aloud. */
export function edit(element, code, label, run, changed) {
  const answer = () => {
    run();
    return true; // the key has done its work
  };
  const shiftEnter = keymap.of([
    { key: "Shift-Enter", run: answer },
    { key: "Mod-Enter", run: answer },
  ]);
  const extensions = [
    shiftEnter,
    keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]), // Escape, then Tab leaves the editor
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    indentUnit.of("    "),
    python(),
    syntaxHighlighting(classHighlighter),
    EditorView.lineWrapping,
    EditorView.updateListener.of((update) => update.docChanged && changed(view.state.doc.toString())),
    EditorView.contentAttributes.of({ "aria-label": label }),
  ];
  const view = new EditorView({ state: EditorState.create({ doc: code, extensions }) });
  element.replaceWith(view.dom);
  return {
    code: () => view.state.doc.toString(),
    set: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
  };
}
