// What the scripts get from elsewhere: packages that are bundled with the live pages, and what the page brings.
declare module "@codemirror/*";
declare module "@jupyter-widgets/*";
declare module "@lezer/*";
declare module "@lumino/*";
declare module "markdown-it";
declare module "*.css";

// MathJax 3, with the queue of MathJax 2 that the controls of ipywidgets ask for.
interface Window {
  MathJax?: { Hub?: object; typesetPromise?: (elements: Element[]) => Promise<void> };
}
