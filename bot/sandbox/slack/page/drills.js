// Drills: what can be practised, and how far the one is that runs.

import { button, el, fill } from "./dom.js";

const SIGNS = { person: "👤", yours: "👉", check: "🔎", event: "⚡", lesson: "💡" };
let chosen = null; // the drill that is selected in the list; it survives a redraw

/** Draw the list, or the drill that runs, into `node`. */
export function drillPart(node, { drills, drill }, act) {
  fill(node, drill ? running(drill, act) : choice(drills, act));
  const now = node.querySelector('[aria-current="step"]');
  if (now) now.parentNode.scrollTop = now.offsetTop - now.parentNode.offsetTop - 60;
}

function choice(drills, act) {
  const pick = el("select", { class: "select", "aria-label": "Drill", dataset: { key: "drill" } });
  pick.append(...drills.map(({ name, story }) => el("option", { value: name, selected: name === chosen }, story)));
  const about = el("p", { class: "muted" });
  const tell = () => {
    chosen = pick.value;
    about.textContent = drills.find(({ name }) => name === pick.value)?.learn ?? "";
  };
  pick.addEventListener("change", tell);
  tell();
  const start = (byHand) => () => act("drill", { name: pick.value, by_hand: byHand });
  return [
    pick,
    about,
    el(
      "div",
      { class: "row" },
      button({ class: "small-button", dataset: { key: "practise" } }, start(true), "Practise it"),
      button({ class: "small-button", dataset: { key: "watch" } }, start(false), "Watch it"),
    ),
    el("p", { class: "muted" }, "A drill begins with a fresh cluster; the chat stays."),
  ];
}

function running(drill, act) {
  const isOver = Boolean(drill.outcome);
  const reached = isOver && !drill.failed ? drill.steps.length : drill.done;
  const asked = drill.steps.slice(0, reached).findLastIndex((step) => step.kind !== "yours") + 1; // yours until it shows
  const steps = drill.steps.map((step, index) => {
    const isNow = index === reached || (!isOver && index >= asked && index < reached);
    const state = isNow ? (drill.failed ? "failed" : "now") : index < reached ? "done" : "next";
    const word = { done: "done: ", now: "now: ", failed: "failed: ", next: "" }[state];
    const sign = el("span", { class: "emoji", "aria-hidden": "true" }, state === "done" && step.kind !== "lesson" ? "✅" : SIGNS[step.kind]);
    return el("li", { class: `step ${state} ${step.kind}`, "aria-current": index === reached && !isOver ? "step" : null }, sign, el("span", {}, el("span", { class: "unseen" }, word), step.text));
  });
  return [
    el("strong", {}, drill.story),
    el("p", { class: "muted" }, drill.learn),
    el("ol", { class: "steps", tabindex: "0", "aria-label": "Steps of the drill" }, steps),
    isOver && el("p", { class: drill.failed ? "outcome wrong" : "outcome", role: "status" }, drill.failed ? `Failed: ${drill.outcome}` : drill.outcome),
    button({ class: "small-button", dataset: { key: "leave" } }, () => act("drill_stop", {}), isOver ? "Close the drill" : "Stop the drill"),
  ];
}
