// The question before a button with a `confirm` object acts. Client-side only, as in Slack: an app may not rely on it.

import { button, el } from "./dom.js";
import { textObject } from "./text.js";

/** Ask; resolves to whether the person confirmed. */
export function confirmed(spec, names) {
  return new Promise((resolve) => {
    const answer = (value) => () => dialog.close(value);
    const style = spec.style === "danger" ? "button danger filled" : "button primary";
    const dialog = el(
      "dialog",
      { class: "dialog confirm", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-text" },
      el("h2", { id: "confirm-title" }, textObject(spec.title, names)),
      el("p", { id: "confirm-text" }, textObject(spec.text, names)),
      el(
        "div",
        { class: "dialog-buttons" },
        button({ class: "button" }, answer(""), textObject(spec.deny, names)),
        button({ class: style, autofocus: true }, answer("yes"), textObject(spec.confirm, names)),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
