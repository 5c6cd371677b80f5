// The box one types into: Enter sends, Shift+Enter breaks the line, arrow up brings back what was sent last,
// "/" and "@" offer what can follow.

import { act } from "./api.js";
import { el, fill, uniqueId } from "./dom.js";

const HEARD_BY_TOAST = new Set(["operation_timeout", "dispatch_failed"]); // the sandbox itself says these
const MOST_REMEMBERED = 50;

/** A composer; `target()` gives {channel, thread_ts?}. */
export class Composer {
  #store;
  #page;
  #target;
  #list;
  #offers = [];
  #active = 0;
  #sent = [];
  #back = 0;

  constructor(store, page, label, target) {
    this.#store = store;
    this.#page = page;
    this.#target = target;
    const listId = uniqueId("suggestions");
    this.#list = el("ul", { class: "options suggestions", role: "listbox", id: listId, hidden: true, "aria-label": "Suggestions" });
    this.input = el("textarea", { rows: 1, class: "composer-input", "aria-autocomplete": "list", "aria-controls": listId });
    this.setLabel(label);
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("blur", () => this.#offer([]));
    this.send = el("button", { type: "submit", class: "send", "aria-label": "Send", title: "Send (Enter)" }, "➤");
    this.node = el("form", { class: "composer" }, this.#list, el("div", { class: "composer-box" }, this.input, this.send));
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  setLabel(label) {
    this.input.setAttribute("aria-label", label);
    this.input.placeholder = label;
  }

  put(text) {
    this.input.value = text;
    this.#grow();
    this.input.focus();
    this.input.setSelectionRange(text.length, text.length);
  }

  async #submit() {
    const text = this.input.value.trim();
    if (!text) return;
    this.#sent = [...this.#sent.filter((each) => each !== text), text].slice(-MOST_REMEMBERED);
    this.#back = 0;
    this.put("");
    this.#offer([]);
    const answer = await act(this.#store.state.me.id, "say", { ...this.#target(), text });
    if (answer.ok) return this.#page.report(answer);
    if (!this.input.value) this.put(text);
    if (!HEARD_BY_TOAST.has(answer.error)) this.#page.report(answer);
  }

  #key(event) {
    const isOpen = this.#offers.length > 0;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isEnter = event.key === "Enter" && !event.shiftKey;
    if (event.isComposing) return;
    if (isOpen && step) this.#mark(this.#active + step);
    else if (isOpen && (event.key === "Tab" || (isEnter && !this.#isComplete()))) this.#take(this.#offers[this.#active]);
    else if (isOpen && event.key === "Escape") this.#offer([]);
    else if (isEnter) this.#submit();
    else if (event.key === "ArrowUp" && (this.#back > 0 || !this.input.value) && this.#sent.length) this.#recall(1);
    else if (event.key === "ArrowDown" && this.#back > 0) this.#recall(-1);
    else return;
    event.preventDefault();
  }

  #recall(step) {
    this.#back = Math.min(this.#back + step, this.#sent.length);
    this.put(this.#back ? this.#sent.at(-this.#back) : "");
  }

  #typed() {
    this.#back = 0;
    this.#grow();
    this.#offer(this.#whatCanFollow());
  }

  #whatCanFollow() {
    const before = this.input.value.slice(0, this.input.selectionStart);
    if (/^\/\S*$/.test(before)) return this.#offersFor(before, this.#commands());
    const at = before.match(/(?:^|\s)(@[\w.-]*)$/);
    return at ? this.#offersFor(at[1], this.#mentions()) : [];
  }

  #offersFor(typed, all) {
    return all.filter(({ shown }) => shown.startsWith(typed)).map((offer) => ({ ...offer, text: `${offer.shown} `, typed }));
  }

  #commands() {
    return this.#store.state.commands.map(({ name, usage_hint: usage, description }) => ({ shown: name, hint: `${usage} · ${description}` }));
  }

  #mentions() {
    const { me, people, usergroups } = this.#store.state;
    const others = people.filter((person) => person.id !== me.id);
    return [
      ...others.map(({ handle, name }) => ({ shown: `@${handle}`, hint: name })),
      ...usergroups.map(({ handle }) => ({ shown: `@${handle}`, hint: "User group" })),
    ];
  }

  #isComplete() {
    return this.input.value === this.#offers[this.#active]?.shown;
  }

  #offer(offers) {
    this.#offers = offers;
    const item = (offer) => {
      const on = { mousedown: (event) => event.preventDefault(), click: () => this.#take(offer) };
      const hint = el("span", { class: "muted" }, offer.hint);
      return el("li", { role: "option", id: uniqueId("suggestion"), on }, el("strong", {}, offer.shown), hint);
    };
    fill(this.#list, offers.map(item));
    this.#list.hidden = offers.length === 0;
    if (offers.length) this.#mark(0);
    else this.input.removeAttribute("aria-activedescendant");
  }

  #mark(index) {
    this.#active = (index + this.#offers.length) % this.#offers.length;
    [...this.#list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === this.#active)));
    this.input.setAttribute("aria-activedescendant", this.#list.children[this.#active].id);
  }

  #take(offer) {
    const end = this.input.selectionStart;
    const value = this.input.value;
    this.put(value.slice(0, end - offer.typed.length) + offer.text + value.slice(end));
    this.#offer([]);
  }

  #grow() {
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, 160)}px`;
  }
}
