// The hint for the first visit: what this is and what to type. Once dismissed it stays away on this machine.

import { button, el, fill } from "./dom.js";

const SEEN = "vm-migrate-sandbox-hint-seen";

/** Show the hint in `node` unless it was dismissed; `put` writes into the composer. */
export function showHint(node, command, put) {
  if (localStorage.getItem(SEEN)) {
    node.hidden = true;
    return;
  }
  fill(
    node,
    el("span", {}, el("strong", {}, "Nothing here is real."), " To move a simulated virtual machine, type"),
    button({ class: "try", title: "Put it into the message box" }, () => put(command), el("code", {}, command)),
    el("span", {}, "Approve as somebody else: choose a person below the channels. Under “Cluster” you see it move, can break things, and find drills."),
    button({ class: "icon-button", "aria-label": "Dismiss the hint" }, () => dismissHint(node), "×"),
  );
  node.hidden = false;
}

/** Take the hint away for good: by hand, or once the bot has answered. */
export function dismissHint(node) {
  localStorage.setItem(SEEN, "1");
  node.hidden = true;
}
