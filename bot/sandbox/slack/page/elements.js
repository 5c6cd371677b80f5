// The interactive elements. Each is a native control where there is one, so keyboards and screen readers just work.
// A `surface` says what using one does: in a message it is a click, in a modal it may only be remembered.

import { confirmed } from "./confirm.js";
import { el, uniqueId } from "./dom.js";
import { combobox } from "./combobox.js";
import { textObject } from "./text.js";

const KINDS = {
  button,
  static_select: staticSelect,
  external_select: (spec, block, surface) => combobox(spec, block, surface, (node, value) => use(node, spec, block, surface, value)),
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

function button(spec, block, surface) {
  const press = () => {
    if (spec.url) window.open(spec.url, "_blank", "noopener,noreferrer");
    return use(node, spec, block, surface, null);
  };
  const props = { type: "button", class: `button ${spec.style ?? ""}`, "aria-label": spec.accessibility_label, on: { click: press } };
  const node = el("button", props, textObject(spec.text, surface.names));
  return node;
}

function labelOf(spec, block) {
  return spec.placeholder?.text ?? block.label?.text ?? spec.action_id;
}

function staticSelect(spec, block, surface) {
  const chosen = surface.entry(spec, block)?.selected_option?.value ?? spec.initial_option?.value ?? "";
  const option = (each) => el("option", { value: each.value, selected: each.value === chosen }, textObject(each.text, surface.names));
  const groups = (spec.option_groups ?? []).map((group) => el("optgroup", { label: group.label.text }, group.options.map(option)));
  const placeholder = el("option", { value: "", selected: chosen === "", disabled: block.type !== "input" }, spec.placeholder?.text ?? "Choose an option");
  const node = el("select", { class: "select", "aria-label": labelOf(spec, block) }, placeholder, (spec.options ?? []).map(option), groups);
  node.addEventListener("change", async () => {
    if (!(await use(node, spec, block, surface, node.value))) node.value = chosen;
  });
  return node;
}

function choices(type, spec, block, surface) {
  const entry = surface.entry(spec, block) ?? {};
  const picked = entry.selected_options ?? spec.initial_options ?? [entry.selected_option ?? spec.initial_option].filter(Boolean);
  const name = uniqueId(spec.action_id);
  const boxes = spec.options.map((option) =>
    el("input", { type, name, value: option.value, checked: picked.some((each) => each.value === option.value) }),
  );
  const rows = spec.options.map((option, index) =>
    el(
      "label",
      { class: "choice" },
      boxes[index],
      el("span", {}, textObject(option.text, surface.names), option.description && el("small", {}, textObject(option.description, surface.names))),
    ),
  );
  const node = el("div", { class: "choices", role: type === "radio" ? "radiogroup" : "group", "aria-label": labelOf(spec, block) }, rows);
  node.addEventListener("change", () => {
    const values = boxes.filter((box) => box.checked).map((box) => box.value);
    use(node, spec, block, surface, type === "radio" ? values[0] : values);
  });
  return node;
}

function overflow(spec, block, surface) {
  const option = (each) => el("option", { value: each.value }, textObject(each.text, surface.names));
  const node = el("select", { class: "select overflow", "aria-label": "More actions" }, el("option", { value: "", selected: true, disabled: true }, "⋯"), spec.options.map(option));
  node.addEventListener("change", async () => {
    const picked = spec.options.find((each) => each.value === node.value);
    node.value = "";
    if (picked.url) window.open(picked.url, "_blank", "noopener,noreferrer");
    await use(node, spec, block, surface, picked.value);
  });
  return node;
}

/** datetime-local speaks local time without zone; Slack speaks seconds since the epoch. */
function dateTimePicker(spec, block, surface) {
  const seconds = surface.entry(spec, block)?.selected_date_time ?? spec.initial_date_time;
  const shifted = seconds && new Date((seconds - new Date(seconds * 1000).getTimezoneOffset() * 60) * 1000);
  const node = el("input", { type: "datetime-local", class: "field", "aria-label": labelOf(spec, block), value: shifted ? shifted.toISOString().slice(0, 16) : "" });
  node.addEventListener("change", () => use(node, spec, block, surface, node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null));
  return node;
}

function textInput(spec, block, surface) {
  const value = surface.entry(spec, block)?.value ?? spec.initial_value ?? "";
  const props = { class: "field", placeholder: spec.placeholder?.text, maxlength: spec.max_length, value };
  const node = spec.multiline ? el("textarea", { rows: 4, ...props }) : el("input", { type: "text", autocomplete: "off", ...props });
  node.addEventListener("input", () => surface.remember(spec, block, node.value));
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || spec.multiline || !block.dispatch_action) return;
    event.preventDefault();
    use(node, spec, block, surface, node.value);
  });
  return node;
}
