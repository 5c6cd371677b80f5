// One message: who, when, what, and what can be done with it.

import { blocks } from "./blocks.js";
import { fullTimeOf, timeOf } from "./dates.js";
import { button, el } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { act } from "./api.js";

/** The initials of a name on a colour of its own. */
export function avatar(person, size = "") {
  const initials = person.is_bot ? "⇄" : person.name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  const node = el("span", { class: `avatar ${size} ${person.is_bot ? "app" : ""}`, "aria-hidden": "true" }, initials);
  const hue = [...person.handle].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  node.style.setProperty("--hue", hue);
  return node;
}

/** What sets a person apart from a full member of the workspace. */
export function tagOf(person) {
  if (person.is_bot) return el("span", { class: "tag" }, "APP");
  if (person.is_external) return el("span", { class: "tag" }, person.team);
  return person.is_guest ? el("span", { class: "tag" }, "Guest") : null;
}

/** A message node. `compact` leaves out the author; `inThread` leaves out what leads into the thread. */
export function messageNode(message, store, page, { compact = false, inThread = false } = {}) {
  const person = store.person(message.user);
  const isReply = message.thread_ts && message.thread_ts !== message.ts;
  const head = el(
    "div",
    { class: "message-head" },
    el("strong", {}, person.name),
    tagOf(person),
    el("time", { title: fullTimeOf(message.ts) }, timeOf(message.ts)),
  );
  const classes = ["message", compact && "compact", message.is_ephemeral && "ephemeral"].filter(Boolean).join(" ");
  const node = el(
    "article",
    { class: classes, "aria-label": `${person.name}, ${timeOf(message.ts)}` },
    compact ? el("time", { class: "gutter", title: fullTimeOf(message.ts) }, timeOf(message.ts)) : avatar(person),
    el(
      "div",
      { class: "message-main" },
      message.is_ephemeral && ephemeralNote(message, store, page),
      isReply && !inThread && broadcastNote(message, page),
      compact ? null : head,
      body(message, surfaceOf(message, store, page)),
      message.reply_count > 0 && !inThread && threadLink(message, page),
    ),
    !inThread && !message.is_ephemeral && replyButton(message, page),
  );
  node.dataset.ts = message.ts;
  return node;
}

function body(message, surface) {
  const edited = message.edited && el("span", { class: "edited muted", title: fullTimeOf(message.edited.ts) }, " (edited)");
  if (message.subtype === "tombstone") return el("div", { class: "message-text muted" }, "This message was deleted.");
  if (message.blocks?.length) return el("div", { class: "message-blocks" }, blocks(message.blocks, surface), edited);
  return el("div", { class: "message-text" }, mrkdwn(message.text, surface.names), edited);
}

/** Using an element of a message is a click; what is picked is remembered by the workspace. */
function surfaceOf(message, store, page) {
  const where = { channel: message.channel, message_ts: message.ts };
  const of = (spec, block) => ({ ...where, action_id: spec.action_id, block_id: block.block_id });
  const me = store.state.me.id;
  return {
    names: store.names,
    entry: (spec, block) => message.values?.[block.block_id]?.[spec.action_id],
    remember: () => {},
    use: async (spec, block, value) => page.report(await act(me, "click", { ...of(spec, block), value })),
    suggest: async (spec, block, typed) => (await act(me, "suggest", { ...of(spec, block), typed })).options ?? [],
  };
}

function ephemeralNote(message, store, page) {
  const where = { channel: message.channel, message_ts: message.ts };
  const dismiss = async () => page.report(await act(store.state.me.id, "dismiss", where));
  return el(
    "div",
    { class: "ephemeral-note muted" },
    "Only visible to you",
    button({ class: "link-button" }, dismiss, "Dismiss"),
  );
}

function broadcastNote(message, page) {
  const toThread = button({ class: "link-button" }, () => page.openThread(message.thread_ts), "a thread");
  return el("div", { class: "muted" }, "replied to ", toThread);
}

function threadLink(message, page) {
  const count = message.reply_count === 1 ? "1 reply" : `${message.reply_count} replies`;
  const view = el("span", { class: "muted" }, "View thread");
  return button({ class: "thread-link" }, () => page.openThread(message.ts), count, view);
}

function replyButton(message, page) {
  const root = message.thread_ts ?? message.ts;
  const props = { class: "tool-button", "aria-label": "Reply in thread", title: "Reply in thread" };
  return el("div", { class: "message-tools" }, button(props, () => page.openThread(root), "Reply"));
}
