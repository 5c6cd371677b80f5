// A list of messages that stays put: new ones are appended, changed ones replaced where they stand, and the reader's
// place, focus and open controls are left alone.

import { dayOf } from "./dates.js";
import { el, fill } from "./dom.js";
import { messageNode } from "./message.js";

const SAME_SPEECH = 300; // seconds within which messages of one author share a head
const NEAR_BOTTOM = 80; // pixels

/** Draws messages into `container` (which scrolls). */
export class Timeline {
  #container;
  #store;
  #page;
  #options;
  #last = null;

  constructor(container, store, page, options = {}) {
    this.#container = container;
    this.#store = store;
    this.#page = page;
    this.#options = options;
  }

  /** Draw everything; `firstUnread` gets a line above it. */
  show(messages, firstUnread = null) {
    this.#last = null;
    fill(this.#container, messages.flatMap((message) => [message.ts === firstUnread && unreadLine(), ...this.#nodesOf(message)]));
    this.toBottom();
  }

  append(message) {
    const follow = this.#isAtBottom() || message.user === this.#store.state.me.id;
    this.#container.append(...this.#nodesOf(message));
    if (follow) this.toBottom();
  }

  replace(message) {
    const old = this.#node(message.ts);
    if (!old) return;
    const follow = this.#isAtBottom();
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const focused = active?.closest("[data-action-id]")?.dataset.actionId;
    const compact = old.classList.contains("compact");
    const fresh = messageNode(message, this.#store, this.#page, { ...this.#options, compact });
    old.replaceWith(fresh);
    if (focused) (fresh.querySelector(`[data-action-id="${CSS.escape(focused)}"]`) ?? fresh.querySelector("button"))?.focus();
    if (follow) this.toBottom();
  }

  remove(ts) {
    this.#node(ts)?.remove();
  }

  toBottom() {
    this.#container.scrollTop = this.#container.scrollHeight;
  }

  #node(ts) {
    return this.#container.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  }

  #isAtBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.#container;
    return scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
  }

  #nodesOf(message) {
    const last = this.#last;
    this.#last = message;
    const isNewDay = !last || dayOf(last.ts) !== dayOf(message.ts);
    const isSameSpeaker = last?.user === message.user && last.is_ephemeral === message.is_ephemeral;
    const compact = !isNewDay && isSameSpeaker && message.ts - last.ts < SAME_SPEECH;
    const node = messageNode(message, this.#store, this.#page, { ...this.#options, compact });
    return isNewDay && !this.#options.inThread ? [dayLine(message), node] : [node];
  }
}

function dayLine(message) {
  return el("div", { class: "day", role: "separator" }, el("span", {}, dayOf(message.ts)));
}

function unreadLine() {
  return el("div", { class: "day new", role: "separator" }, el("span", {}, "New"));
}
