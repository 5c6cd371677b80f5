// Drills: what can be practised, and how far the one is that runs.

import { button, el, fill } from "./dom.js";

const SIGNS = { person: "👤", yours: "👉", check: "🔎", event: "⚡", lesson: "💡" };
let chosen = null; // the drill that is selected in the list; it survives a redraw

/** Draw the list, or the drill that runs, into `node`. */
export function drillPart(node, { drills, drill }, act) {
  fill(node, drill ? running(drill, act) : choice(drills, act));
  const now = node.querySelector('[aria-current="step"]');
  const list = node.querySelector(".steps");
  if (now) list.scrollTop = now.offsetTop - list.offsetTop - 60;
  else if (list) list.scrollTop = list.scrollHeight;
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
  // what is yours stays yours until something shows that it is done; a lesson shows nothing
  const asked = drill.steps.slice(0, reached).findLastIndex((step) => !["yours", "lesson"].includes(step.kind)) + 1;
  const steps = drill.steps.map((step, index) => {
    const isNow = (index === reached && drill.done > 0) || (!isOver && step.kind === "yours" && index >= asked && index < reached);
    const state = isNow ? (drill.failed ? "failed" : "now") : index < reached ? "done" : "next";
    const word = { done: "done: ", now: "now: ", failed: "failed: ", next: "" }[state];
    const sign = el("span", { class: "emoji", "aria-hidden": "true" }, state === "done" && step.kind !== "lesson" ? "✅" : SIGNS[step.kind]);
    return el("li", { class: `step ${state} ${step.kind}`, "aria-current": index === reached && !isOver ? "step" : null }, sign, el("span", {}, el("span", { class: "unseen" }, word), step.text));
  });
  return [
    el("strong", {}, drill.story),
    el("p", { class: "muted" }, drill.learn),
    el("ol", { class: "steps", tabindex: "0", "aria-label": "Steps of the drill" }, steps),
    !isOver && drill.done === 0 && el("p", { class: "muted", role: "status" }, "One moment: a fresh cluster and a bot that remembers nothing are starting."),
    !isOver && drill.so_far && el("p", { class: "muted", role: "status" }, `So far: ${drill.so_far}. If you went another way, stop the drill and begin again.`),
    isOver && el("p", { class: drill.failed ? "outcome wrong" : "outcome", role: "status" }, drill.failed ? `Failed: ${drill.outcome}` : drill.outcome),
    button({ class: "small-button", dataset: { key: "leave" } }, () => act("drill_stop", {}), isOver ? "Close the drill" : "Stop the drill"),
  ];
}
