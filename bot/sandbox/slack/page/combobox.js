// external_select: a text field whose options come from the app while one types (block_suggestion).

import { el, fill, uniqueId } from "./dom.js";

const PAUSE = 200; // milliseconds without a key before the app is asked
const DEFAULT_MIN_QUERY_LENGTH = 3;

/** The control; `pick(node, value)` resolves to whether the choice holds. */
export function combobox(spec, block, surface, pick) {
  const chosen = surface.entry(spec, block)?.selected_option ?? spec.initial_option;
  const list = el("ul", { class: "options", role: "listbox", id: uniqueId("options"), hidden: true });
  const input = el("input", {
    type: "text",
    class: "field",
    role: "combobox",
    autocomplete: "off",
    "aria-expanded": "false",
    "aria-autocomplete": "list",
    "aria-controls": list.id,
    "aria-label": spec.placeholder?.text ?? block.label?.text ?? spec.action_id,
    placeholder: spec.placeholder?.text ?? "Type to search",
    value: chosen?.text.text ?? "",
  });
  const node = el("div", { class: "combobox" }, input, list);
  let timer = 0;
  let active = -1;

  const show = (isOpen) => {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) input.removeAttribute("aria-activedescendant");
  };
  const choose = async (option) => {
    show(false);
    const before = input.value;
    input.value = option.text.text;
    if (!(await pick(node, option.value))) input.value = before;
  };
  const mark = (index) => {
    active = index;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === index)));
    if (list.children[index]) input.setAttribute("aria-activedescendant", list.children[index].id);
    list.children[index]?.scrollIntoView({ block: "nearest" });
  };
  const offer = (options) => {
    active = -1;
    const item = (option) => {
      const on = { mousedown: (event) => event.preventDefault(), click: () => choose(option) };
      return el("li", { role: "option", id: uniqueId("option"), on }, option.text.text);
    };
    fill(list, options.length ? options.map(item) : el("li", { class: "nothing" }, "No results"));
    list.offered = options;
    show(true);
  };
  const ask = async (typed) => {
    if (typed.length < (spec.min_query_length ?? DEFAULT_MIN_QUERY_LENGTH)) return show(false);
    const before = input.value;
    const options = await surface.suggest(spec, block, typed);
    if (document.activeElement === input && input.value === before) offer(options);
  };
  const openAll = () => list.hidden && ask("");
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(input.value), PAUSE);
  });
  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", openAll);
  input.addEventListener("blur", () => show(false));
  input.addEventListener("keydown", (event) => {
    const options = list.hidden ? [] : list.offered ?? [];
    if (event.key === "Escape" && !list.hidden) show(false);
    else if (event.key === "ArrowDown" && list.hidden) openAll();
    else if (event.key === "ArrowDown" && options.length) mark((active + 1) % options.length);
    else if (event.key === "ArrowUp" && options.length) mark((active - 1 + options.length) % options.length);
    else if (event.key === "Enter" && options[active]) choose(options[active]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return node;
}
