// The left side: the channels with their unread marks, and who is at the keyboard.

import { el, fill } from "./dom.js";
import { avatar, tagOf } from "./message.js";

/** Draws channels and people; `page` carries out what is chosen. */
export class Sidebar {
  #store;
  #page;

  constructor(store, page) {
    this.#store = store;
    this.#page = page;
    const button = document.getElementById("me");
    button.addEventListener("click", () => this.#openPeople(button.getAttribute("aria-expanded") !== "true"));
    document.addEventListener("click", (event) => {
      if (!event.target.closest("#who")) this.#openPeople(false);
    });
    document.getElementById("who").addEventListener("keydown", (event) => this.#key(event));
  }

  /** Draw everything: who is who, and the channels. */
  show(currentChannelId) {
    document.getElementById("team-name").textContent = this.#store.state.team.name;
    this.#showPeople();
    this.showChannels(currentChannelId);
  }

  /** Draw what events change; the focus stays on its channel. */
  showChannels(currentChannelId) {
    const { state } = this.#store;
    const focused = document.activeElement?.dataset.channelId;
    fill(document.getElementById("channels"), state.channels.map((channel) => this.#channel(channel, channel.id === currentChannelId)));
    fill(document.getElementById("joinable"), state.joinable.map((channel) => this.#joinable(channel)));
    document.getElementById("joinable-part").hidden = state.joinable.length === 0;
    if (focused) document.querySelector(`[data-channel-id="${CSS.escape(focused)}"]`)?.focus();
    this.#showPresence();
  }

  #showPresence() {
    const { app, app_connections: connections } = this.#store.state;
    const node = document.getElementById("presence");
    node.className = connections > 0 ? "presence on" : "presence";
    node.textContent = connections > 0 ? `${app.handle} is connected` : `${app.handle} is not connected`;
  }

  #channel(channel, isCurrent) {
    const sign = channel.is_im ? "@" : channel.is_private ? "🔒" : "#";
    const label = channel.unread ? `${channel.name}, ${channel.unread} unread` : channel.name;
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: channel.unread ? "channel unread" : "channel", "aria-label": label, "aria-current": isCurrent ? "page" : null, dataset: { channelId: channel.id }, on: { click: () => this.#page.openChannel(channel.id) } },
        el("span", { class: "sign" }, sign),
        el("span", { class: "channel-name" }, channel.name),
        channel.is_ext_shared && el("span", { class: "shared", title: "Shared with another company" }, "shared"),
        channel.unread > 0 && el("span", { class: "badge" }, channel.unread),
      ),
    );
  }

  #joinable(channel) {
    return el(
      "li",
      {},
      el("button", { type: "button", class: "channel", dataset: { channelId: channel.id }, on: { click: () => this.#page.join(channel.id) } }, el("span", { class: "sign" }, "#"), el("span", { class: "channel-name" }, channel.name), el("span", { class: "muted" }, "Join")),
    );
  }

  #showPeople() {
    const { me, people } = this.#store.state;
    fill(document.getElementById("me"), avatar(me, "small"), el("span", { class: "me-name" }, me.name, el("small", {}, me.title)), el("span", { "aria-hidden": "true" }, "⌄"));
    const item = (person) =>
      el(
        "button",
        { type: "button", role: "menuitemradio", class: "person", "aria-checked": String(person.id === me.id), on: { click: () => this.#choose(person) } },
        avatar(person, "small"),
        el("span", { class: "me-name" }, el("span", {}, person.name, " ", tagOf(person)), el("small", {}, person.title)),
      );
    fill(document.getElementById("people"), people.filter((person) => !person.is_bot).map(item));
  }

  #choose(person) {
    this.#openPeople(false);
    document.getElementById("me").focus();
    this.#page.become(person.handle);
  }

  #openPeople(isOpen) {
    document.getElementById("me").setAttribute("aria-expanded", String(isOpen));
    document.getElementById("people").hidden = !isOpen;
    if (isOpen) document.querySelector('#people [aria-checked="true"]')?.focus();
  }

  #key(event) {
    const items = [...document.querySelectorAll("#people button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      this.#openPeople(false);
      document.getElementById("me").focus();
    } else if (step && !document.getElementById("people").hidden) {
      event.preventDefault();
      items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    }
  }
}
