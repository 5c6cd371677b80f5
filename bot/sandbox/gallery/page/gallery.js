// Draws the exhibits with the page's own modules. Nothing can be pressed: there is no bot behind it.

import { blocks } from "/page/blocks.js";
import { el } from "/page/dom.js";
import { messageNode } from "/page/message.js";
import { viewNode } from "/page/modal.js";
import { mrkdwn } from "/page/mrkdwn.js";
import { Store } from "/page/store.js";

const APP = { id: "U0VMMIGRATE", handle: "vm-migrate", name: "vm-migrate", is_bot: true };
const SAMPLE_TIME = 1772334300; // the moment of the samples, 2026-03-01 03:05 UTC

const still = { report: () => {}, openThread: () => {} };

function surface(store) {
  return { names: store.names, entry: () => undefined, remember: () => {}, use: () => {}, suggest: () => [] };
}

function workspace(people) {
  const persons = Object.entries(people).map(([id, name]) => ({ id, name, handle: name.toLowerCase() }));
  const store = new Store();
  store.reset({
    me: persons[0], people: [APP, ...persons], channels: [{ id: "C0OPS", name: "ops" }], joinable: [], messages: {}, views: [],
    usergroups: [{ id: "S0SRE000001", handle: "sre", members: [] }],
  });
  return store;
}

/** What a phone shows before it is unlocked. */
function lockscreen(text, names) {
  return el("div", { class: "lockscreen" }, el("strong", {}, "vm-migrate"), el("span", {}, mrkdwn(text, names)));
}

function behindButtons(list) {
  const elements = list.flatMap((block) => [...(block.elements ?? []), block.accessory]).filter((spec) => spec?.confirm);
  return elements.map(({ text, confirm }) =>
    el(
      "div",
      { class: "behind" },
      el("span", { class: "muted" }, `Behind “${text.text}”: `),
      el("strong", {}, confirm.title.text),
      confirm.text.text,
      el("div", { class: "muted" }, `[${confirm.deny.text}]  [${confirm.confirm.text}]`),
    ),
  );
}

function shownMessage(sample, index, store) {
  const message = {
    user: APP.id, ts: String(SAMPLE_TIME + index), channel: "C0OPS", text: sample.text, blocks: sample.blocks, is_ephemeral: sample.private,
  };
  return [
    el("div", { class: "slot" }, sample.slot),
    messageNode(message, store, still, { inThread: true }),
    behindButtons(sample.blocks),
    !sample.private && lockscreen(sample.text, store.names),
  ];
}

function exhibit(sample, store) {
  const head = el("header", {}, el("h3", {}, sample.name), sample.about && el("p", {}, sample.about));
  return el("article", { class: "exhibit", id: sample.name }, head, shown(sample, store));
}

function shown(sample, store) {
  if (sample.view) return viewNode(sample.view, blocks(sample.view.blocks, surface(store)), store.names);
  if (sample.home) return el("div", { class: "home message-blocks" }, blocks(sample.home, surface(store)));
  return sample.messages.map((message, index) => shownMessage(message, index, store));
}

async function draw() {
  const { chapters, people } = await (await fetch("/gallery.json")).json();
  const store = workspace(people);
  for (const [name, samples] of Object.entries(chapters)) {
    const id = name.toLowerCase().replaceAll(" ", "-");
    document.getElementById("contents").append(el("a", { href: `#${id}` }, name));
    const all = samples.map((sample) => exhibit(sample, store));
    document.getElementById("chapters").append(
      el("section", { class: "chapter", id }, el("h2", {}, name), el("div", { class: "exhibits" }, all)),
    );
  }
  for (const kind of ["click", "submit"]) document.getElementById("chapters").addEventListener(kind, hold, { capture: true });
  document.body.dataset.drawn = "yes";
}

function hold(event) {
  if (event.target.closest("button, form")) {
    event.preventDefault();
    event.stopPropagation();
  }
}

draw();
