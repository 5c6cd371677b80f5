// The interactive elements. Each is a native control where there is one, so keyboards and screen readers just work.
// A `surface` says what using one does: in a message it is a click, in a modal it may only be remembered.

import { confirmed } from "./confirm.js";
import { button, el, uniqueId } from "./dom.js";
import { combobox } from "./combobox.js";
import { textObject } from "./text.js";

const KINDS = {
  button: pushButton,
  static_select: staticSelect,
  external_select: externalSelect,
  radio_buttons: (spec, block, surface) => choices("radio", spec, block, surface),
  checkboxes: (spec, block, surface) => choices("checkbox", spec, block, surface),
  overflow,
  datetimepicker: dateTimePicker,
  plain_text_input: textInput,
};

/** The control of one element. */
export function element(spec, block, surface) {
  const node = KINDS[spec.type](spec, block, surface);
  node.dataset.actionId = spec.action_id;
  return node;
}

/** Use an element, after its confirmation; false if the person thought better of it. */
async function use(node, spec, block, surface, value) {
  if (spec.confirm && !(await confirmed(spec.confirm, surface.names))) return false;
  node.setAttribute("aria-busy", "true");
  await surface.use(spec, block, value);
  node.removeAttribute("aria-busy");
  return true;
}

function pushButton(spec, block, surface) {
  const press = () => {
    openUrl(spec.url);
    return use(node, spec, block, surface, null);
  };
  const props = { class: `button ${spec.style ?? ""}`, "aria-label": spec.accessibility_label };
  const node = button(props, press, textObject(spec.text, surface.names));
  return node;
}

function openUrl(url) {
  if (/^https?:/i.test(url ?? "")) window.open(url, "_blank", "noopener,noreferrer");
}

function externalSelect(spec, block, surface) {
  return combobox(spec, block, surface, (node, value) => use(node, spec, block, surface, value));
}

/** An entry of a native list; `state` holds selected, disabled. */
function listOption(option, surface, state = {}) {
  return el("option", { value: option.value, ...state }, textObject(option.text, surface.names));
}

function labelOf(spec, block) {
  return spec.placeholder?.text ?? block.label?.text ?? spec.action_id;
}

function staticSelect(spec, block, surface) {
  const chosen = surface.entry(spec, block)?.selected_option?.value ?? spec.initial_option?.value ?? "";
  const item = (option) => listOption(option, surface, { selected: option.value === chosen });
  const group = ({ label, options }) => el("optgroup", { label: label.text }, options.map(item));
  const state = { value: "", selected: chosen === "", disabled: block.type !== "input" };
  const node = el(
    "select",
    { class: "select", "aria-label": labelOf(spec, block) },
    el("option", state, spec.placeholder?.text ?? "Choose an option"),
    (spec.options ?? []).map(item),
    (spec.option_groups ?? []).map(group),
  );
  node.addEventListener("change", async () => {
    if (!(await use(node, spec, block, surface, node.value))) node.value = chosen;
  });
  return node;
}

function choices(type, spec, block, surface) {
  const entry = surface.entry(spec, block) ?? {};
  const one = [entry.selected_option ?? spec.initial_option].filter(Boolean);
  const picked = (entry.selected_options ?? spec.initial_options ?? one).map((option) => option.value);
  const name = uniqueId(spec.action_id);
  const boxes = spec.options.map(({ value }) => el("input", { type, name, value, checked: picked.includes(value) }));
  const row = ({ text, description }, index) => {
    const small = description && el("small", {}, textObject(description, surface.names));
    return el("label", { class: "choice" }, boxes[index], el("span", {}, textObject(text, surface.names), small));
  };
  const role = type === "radio" ? "radiogroup" : "group";
  const node = el("div", { class: "choices", role, "aria-label": labelOf(spec, block) }, spec.options.map(row));
  node.addEventListener("change", () => {
    const values = boxes.filter((box) => box.checked).map((box) => box.value);
    use(node, spec, block, surface, type === "radio" ? values[0] : values);
  });
  return node;
}

function overflow(spec, block, surface) {
  const dots = el("option", { value: "", selected: true, disabled: true }, "⋯");
  const items = spec.options.map((option) => listOption(option, surface));
  const node = el("select", { class: "select overflow", "aria-label": "More actions" }, dots, items);
  node.addEventListener("change", async () => {
    const picked = spec.options.find((each) => each.value === node.value);
    node.value = "";
    openUrl(picked.url);
    await use(node, spec, block, surface, picked.value);
  });
  return node;
}

/** datetime-local speaks local time without zone; Slack speaks seconds since the epoch. */
function dateTimePicker(spec, block, surface) {
  const seconds = surface.entry(spec, block)?.selected_date_time ?? spec.initial_date_time;
  const shifted = seconds && new Date((seconds - new Date(seconds * 1000).getTimezoneOffset() * 60) * 1000);
  const value = shifted ? shifted.toISOString().slice(0, 16) : "";
  const node = el("input", { type: "datetime-local", class: "field", "aria-label": labelOf(spec, block), value });
  node.addEventListener("change", () => {
    const picked = node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null;
    use(node, spec, block, surface, picked);
  });
  return node;
}

function textInput(spec, block, surface) {
  const value = surface.entry(spec, block)?.value ?? spec.initial_value ?? "";
  const props = { class: "field", placeholder: spec.placeholder?.text, maxlength: spec.max_length, value };
  const oneLine = { type: "text", autocomplete: "off", ...props };
  const node = spec.multiline ? el("textarea", { rows: 4, ...props }) : el("input", oneLine);
  node.addEventListener("input", () => surface.remember(spec, block, node.value));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || spec.multiline || !block.dispatch_action) return;
    event.preventDefault();
    use(node, spec, block, surface, node.value);
  });
  return node;
}
