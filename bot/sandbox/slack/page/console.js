// The console beside the chat: the cluster as it is, buttons for faults and time, and drills. It looks every moment, since
// the cluster tells nobody; where the page is served without a console there is none.

import { button, el, fill } from "./dom.js";
import { drillPart } from "./drills.js";
import { nodePart, restPart } from "./nodes.js";
import { toast } from "./toasts.js";

const EVERY = 700; // milliseconds between two looks
const HIDDEN = "vm-migrate-sandbox-console-hidden";
const SPEEDS = [[0, "Pause"], [1, "×1"], [10, "×10"], [60, "×60"]];

/** Draws into `#console`, and keeps it true. */
export class Console {
  #node = document.getElementById("console");
  #toggle = document.getElementById("console-toggle");
  #drawn = "";
  #isWatching = false;

  /** Begin to look; once is enough. */
  async start() {
    if (this.#isWatching) return;
    this.#isWatching = true;
    const state = await look();
    if (!state) return;
    this.#toggle.hidden = false;
    this.#toggle.addEventListener("click", () => this.#show(this.#node.hidden));
    document.getElementById("console-close").addEventListener("click", () => this.#show(false));
    this.#node.addEventListener("keydown", ({ key }) => key === "Escape" && this.#show(false));
    this.#show(!localStorage.getItem(HIDDEN) && innerWidth > 1000, { remember: false });
    this.#draw(state);
    this.#watch();
  }

  #show(isShown, { remember = true } = {}) {
    this.#node.hidden = !isShown;
    document.body.classList.toggle("with-console", isShown);
    this.#toggle.setAttribute("aria-expanded", String(isShown));
    if (!remember) return;
    if (isShown) localStorage.removeItem(HIDDEN);
    else localStorage.setItem(HIDDEN, "1");
    (isShown ? document.getElementById("console-close") : this.#toggle).focus();
  }

  async #watch() {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, EVERY));
      if (this.#node.hidden || document.hidden) continue;
      const state = await look();
      if (state) this.#draw(state);
    }
  }

  /** Draw what differs; the focus stays on its control. */
  #draw(state) {
    const { now, ...still } = state.cluster;
    document.getElementById("console-now").textContent = `${now.slice(11, 19)} UTC`;
    const picture = JSON.stringify({ ...state, cluster: still });
    if (picture === this.#drawn) return;
    this.#drawn = picture;
    keepFocus(this.#node, () => {
      fill(document.getElementById("console-time"), timeButtons(state.cluster.speed, this.#do));
      fill(document.getElementById("console-faults"), faultButtons(state, this.#do));
      fill(document.getElementById("console-nodes"), state.cluster.nodes.map((node) => nodePart(node, state.cluster, this.#do)));
      fill(document.getElementById("console-rest"), restPart(state.cluster));
      drillPart(document.getElementById("console-drills"), state, this.#do);
    });
  }

  #do = async (deed, body) => {
    const answer = await post(deed, body);
    if (!answer.ok) toast(answer.detail ?? "That did not work.");
    const state = await look();
    if (state) this.#draw(state);
  };
}

async function look() {
  try {
    const response = await fetch("/console/state", { cache: "no-store" });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

async function post(deed, body) {
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(`/console/deeds/${deed}`, { method: "POST", headers, body: JSON.stringify(body) });
    return await response.json();
  } catch {
    return { ok: false, detail: "The sandbox does not answer. Is it still running?" };
  }
}

function keepFocus(node, draw) {
  const key = node.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  draw();
  if (key) node.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

function timeButtons(speed, act) {
  return SPEEDS.map(([factor, word]) =>
    button({ class: "small-button", "aria-pressed": String(factor === speed), dataset: { key: `speed ${factor}` } }, () => act("speed", { factor }), word),
  );
}

function faultButtons({ cluster, slack_down: slackDown, bot }, act) {
  const { down, failNext } = cluster.faults;
  const fault = (key, isOn, off, on, deed, body) =>
    button({ class: isOn ? "small-button wrong" : "small-button", dataset: { key } }, () => act(deed, body), isOn ? on : off);
  return [
    fault("fail", failNext, "Fail the next live migration", "The next live migration will fail: spare it", "fail_next", { on: !failNext }),
    fault("slack", slackDown, "Stop Slack", "Slack is down: bring it back", "slack", { down: !slackDown }),
    fault("api", down, "Stop the API server", "The API server is down: bring it back", "api", { down: !down }),
    bot === "starting"
      ? el("span", { class: "muted" }, "The bot is starting…")
      : fault("bot", bot === "stopped", "Kill the bot", "The bot is dead: start it", "bot", { do: bot === "running" ? "kill" : "start" }),
  ];
}
