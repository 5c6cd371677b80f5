// The left side: the channels with their unread marks, and who is at the keyboard.

import { button, el, fill } from "./dom.js";
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
    const channels = state.channels.map((channel) => this.#channel(channel, channel.id === currentChannelId));
    fill(document.getElementById("channels"), channels);
    fill(document.getElementById("apps"), this.#app(state.app, currentChannelId === null));
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
    const props = {
      class: channel.unread ? "channel unread" : "channel",
      "aria-label": channel.unread ? `${channel.name}, ${channel.unread} unread` : channel.name,
      "aria-current": isCurrent ? "page" : null,
      dataset: { channelId: channel.id },
    };
    const marks = [
      channel.is_ext_shared && el("span", { class: "shared", title: "Shared with another company" }, "shared"),
      channel.unread > 0 && el("span", { class: "badge" }, channel.unread),
    ];
    return el("li", {}, button(props, () => this.#page.openChannel(channel.id), nameOf(sign, channel), marks));
  }

  #app(app, isCurrent) {
    const props = { class: "channel", "aria-label": `${app.handle}, Home`, "aria-current": isCurrent ? "page" : null, dataset: { channelId: app.id } };
    return el("li", {}, button(props, () => this.#page.openHome(), nameOf("⇄", { name: app.handle })));
  }

  #joinable(channel) {
    const props = { class: "channel", dataset: { channelId: channel.id } };
    const join = el("span", { class: "muted" }, "Join");
    return el("li", {}, button(props, () => this.#page.join(channel.id), nameOf("#", channel), join));
  }

  #showPeople() {
    const { me, people } = this.#store.state;
    const name = el("span", { class: "me-name" }, me.name, el("small", {}, me.title));
    fill(document.getElementById("me"), avatar(me, "small"), name, el("span", { "aria-hidden": "true" }, "⌄"));
    const persons = people.filter((person) => !person.is_bot);
    fill(document.getElementById("people"), persons.map((person) => this.#person(person, person.id === me.id)));
  }

  #person(person, isMe) {
    const name = el("span", {}, person.name, " ", tagOf(person));
    return button(
      { role: "menuitemradio", class: "person", "aria-checked": String(isMe) },
      () => this.#choose(person),
      avatar(person, "small"),
      el("span", { class: "me-name" }, name, el("small", {}, person.title)),
    );
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

function nameOf(sign, channel) {
  return [el("span", { class: "sign" }, sign), el("span", { class: "channel-name" }, channel.name)];
}
