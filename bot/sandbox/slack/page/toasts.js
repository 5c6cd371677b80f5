// Short notices at the edge of the screen: what failed, in Slack's words. Read out by screen readers, gone by themselves.

import { button, el } from "./dom.js";

const STAYS = 8000; // milliseconds

/** Show a notice; `kind` is error or info. */
export function toast(text, kind = "error") {
  const node = el(
    "div",
    { class: `toast ${kind}` },
    el("span", {}, text),
    button({ class: "toast-close", "aria-label": "Dismiss" }, () => node.remove(), "×"),
  );
  document.getElementById("toasts").append(node);
  setTimeout(() => node.remove(), STAYS);
}
