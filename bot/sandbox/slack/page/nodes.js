// Nodes with their load and their VMs; a VM on its way stands on both, leaving here and arriving there.

import { button, el } from "./dom.js";

const GIB = 2 ** 30;

/** One node: its name and marks, its load, its VMs, and what can be done to it. */
export function nodePart(node, cluster, act) {
  const leaving = new Map(cluster.migrations.filter((job) => job.source === node.name).map((job) => [`${job.namespace}/${job.vm}`, job]));
  const arriving = cluster.migrations.filter((job) => job.target === node.name && job.source !== node.name);
  const marks = [!node.ready && "not ready", node.cordoned && "cordoned", ...node.taints.filter((taint) => !taint.startsWith("node.kubernetes.io/")).map((taint) => `taint ${taint.split("/").at(-1)}`)];
  const toggle = (deed, isOn, off, on) =>
    button(
      { class: "small-button", "aria-pressed": String(isOn), dataset: { key: `${deed} ${node.name}` }, "aria-label": `${isOn ? on : off} ${node.name}` },
      () => act(deed, { node: node.name, on: !isOn }),
      isOn ? on : off,
    );
  const head = [el("strong", {}, node.name), marks.filter(Boolean).map((mark) => el("span", { class: "tag" }, mark))];
  if (node.name.startsWith("control-plane")) return el("li", { class: "node closed" }, el("div", { class: "node-head" }, head));
  return el(
    "li",
    { class: node.ready && !node.cordoned ? "node" : "node closed", dataset: { node: node.name } },
    el(
      "div",
      { class: "node-head" },
      head,
      el("span", { class: "node-tools" }, toggle("cordon", node.cordoned, "Cordon", "Uncordon"), toggle("fill", node.filled, "Fill", "Empty")),
    ),
    el("div", { class: "loads" }, load("CPU", node.cpu, (amount) => amount.toFixed(1)), load("memory", node.memory, (amount) => `${(amount / GIB).toFixed(1)}`, " GiB")),
    el(
      "ul",
      { class: "vms", "aria-label": `VMs on ${node.name}` },
      node.vms.map((name) => vm(name, cluster, leaving.get(name))),
      arriving.map((job) => el("li", { class: "vm arriving", dataset: { vm: `${job.namespace}/${job.vm}` } }, `${job.vm} ← arriving`)),
    ),
  );
}

function load(word, { used, room }, shown, unit = "") {
  const share = room ? Math.min(used / room, 1) : 0;
  const bar = el("span", { class: share > 0.9 ? "bar full" : "bar", "aria-hidden": "true" }, el("span", {}));
  bar.firstChild.style.setProperty("--share", `${Math.round(share * 100)}%`);
  return el("span", { class: "load", title: `requested: ${shown(used)} of ${shown(room)}${unit}` }, `${word} ${Math.round(share * 100)} %`, bar);
}

function vm(name, cluster, job) {
  const [namespace, short] = name.split("/");
  const known = cluster.vms.find((each) => each.namespace === namespace && each.name === short);
  const status = known?.status ?? "";
  const isSettled = status === "Running" || job;
  const words = job ? ` → ${job.target || "looking for a node"} (${job.phase})` : isSettled ? "" : ` (${status})`;
  const kind = job ? "vm leaving" : isSettled ? "vm" : "vm changing";
  return el("li", { class: kind, title: `${name}: ${status}`, dataset: { vm: name } }, short, el("span", {}, words));
}

/** The VMs that run nowhere. */
export function restPart(cluster) {
  const placed = new Set(cluster.nodes.flatMap((node) => node.vms));
  const rest = cluster.vms.filter((each) => !placed.has(`${each.namespace}/${each.name}`));
  const one = (each) => el("li", { class: "vm changing", title: `${each.namespace}/${each.name}` }, `${each.name} (${each.status})`);
  return rest.length ? [el("h3", {}, "On no node"), el("ul", { class: "vms", "aria-label": "VMs on no node" }, rest.map(one))] : [];
}
