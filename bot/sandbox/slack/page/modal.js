// The stack of modals: only the topmost is seen. What is typed is kept by the workspace at every change, so an update
// of the view or a reload of the page loses nothing.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { button, el, fill } from "./dom.js";
import { textObject } from "./text.js";

const PAUSE = 250; // milliseconds without a key before typed text is kept

/** A view as a form around its `body`; `close` hears whether the whole stack is to go. */
export function viewNode(view, body, names, close = () => {}) {
  return el(
    "form",
    { class: "modal", novalidate: true },
    el(
      "header",
      { class: "modal-head" },
      el("h2", { id: "modal-title" }, textObject(view.title, names)),
      button({ class: "icon-button", "aria-label": "Close" }, () => close(true), "×"),
    ),
    el("div", { class: "modal-body", tabindex: "-1" }, body),
    el(
      "footer",
      { class: "dialog-buttons" },
      button({ class: "button" }, () => close(false), view.close ? textObject(view.close, names) : "Cancel"),
      view.submit && el("button", { type: "submit", class: "button primary" }, textObject(view.submit, names)),
    ),
  );
}

/** Draws the topmost view of a store into one dialog. */
export class ModalStack {
  #store;
  #page;
  #dialog;
  #typed = new Map(); // what was typed but is not yet known to be kept: "block action" -> text
  #timers = new Map();
  #shownId = null;

  constructor(store, page, dialog) {
    this.#store = store;
    this.#page = page;
    this.#dialog = dialog;
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#close(true);
    });
    dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** Draw what is on top now. */
  show() {
    const view = this.#store.state.views.at(-1);
    if (!view) {
      this.#shownId = null;
      this.#dialog.close();
      return fill(this.#dialog);
    }
    if (view.id !== this.#shownId) this.#typed.clear();
    this.#shownId = view.id;
    const focused = this.#dialog.contains(document.activeElement) ? this.#placeOf(document.activeElement) : null;
    const hadErrors = this.#dialog.querySelector(".has-error") !== null;
    fill(this.#dialog, this.#content(view));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#refocus(focused, hadErrors);
  }

  #content(view) {
    const { names } = this.#store;
    return viewNode(view, blocks(view.blocks, this.#surface(view)), names, (everything) => this.#close(everything));
  }

  #surface(view) {
    const key = (spec, block) => `${block.block_id} ${spec.action_id}`;
    const of = (spec, block) => ({ view_id: view.id, action_id: spec.action_id, block_id: block.block_id });
    const keep = (spec, block, value) => act(this.#me, "view", { action: "block_action", ...of(spec, block), value });
    return {
      names: this.#store.names,
      errors: view.errors,
      entry: (spec, block) => {
        const kept = view.state.values[block.block_id]?.[spec.action_id];
        return this.#typed.has(key(spec, block)) ? { ...kept, value: this.#typed.get(key(spec, block)) } : kept;
      },
      remember: (spec, block, text) => {
        this.#typed.set(key(spec, block), text);
        if (block.dispatch_action) return;
        clearTimeout(this.#timers.get(key(spec, block)));
        this.#timers.set(key(spec, block), setTimeout(() => keep(spec, block, text), PAUSE));
      },
      use: async (spec, block, value) => this.#page.report(await keep(spec, block, value)),
      suggest: async (spec, block, typed) => (await act(this.#me, "suggest", { ...of(spec, block), typed })).options ?? [],
    };
  }

  async #submit() {
    const view = this.#store.state.views.at(-1);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    const values = {};
    for (const [key, text] of this.#typed) {
      const [blockId, actionId] = key.split(" ");
      if (view.state.values[blockId]?.[actionId]) values[blockId] = { ...values[blockId], [actionId]: text };
    }
    const button = this.#dialog.querySelector("[type=submit]");
    button?.setAttribute("aria-busy", "true");
    const answer = await act(this.#me, "view", { view_id: view.id, action: "submit", values });
    button?.removeAttribute("aria-busy");
    if (!answer.ok) this.#page.report(answer);
  }

  #close(everything) {
    const view = this.#store.state.views.at(-1);
    if (view) act(this.#me, "view", { view_id: view.id, action: "close", everything });
  }

  get #me() {
    return this.#store.state.me.id;
  }

  #placeOf(node) {
    const blockId = node.closest("[data-block-id]")?.dataset.blockId;
    return { blockId, start: node.selectionStart ?? null };
  }

  /** After a redraw the focus goes to the first field in error, else back to where it was, else to the first field. */
  #refocus(place, hadErrors) {
    const fields = "input, select, textarea, .modal-body button";
    const wrong = hadErrors ? null : this.#dialog.querySelector(".has-error :is(input, select, textarea)");
    const block = place?.blockId ? `[data-block-id="${CSS.escape(place.blockId)}"]` : null;
    const same = block && this.#dialog.querySelector(`${block} :is(input, select, textarea, button)`);
    const target = wrong ?? same ?? this.#dialog.querySelector(fields) ?? this.#dialog.querySelector(".modal-body");
    target?.focus();
    if (target === same && place?.start !== null) target.setSelectionRange?.(place.start, place.start);
  }
}
