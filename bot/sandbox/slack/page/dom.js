// The only place that makes elements. Every string becomes a text node, so a hostile name can never become markup.

/** Make an element. `props` are attributes; `on` holds listeners, `dataset` data attributes, `class` the class list. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProperty(node, name, value);
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function setProperty(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") for (const [kind, listener] of Object.entries(value)) node.addEventListener(kind, listener);
  else if (name === "dataset") Object.assign(node.dataset, value);
  else if (name === "value") node.value = value;
  else if (name === "checked" || name === "selected") node[name] = value;
  else node.setAttribute(name === "class" ? "class" : name, value === true ? "" : value);
}

/** A button that does something when pressed. */
export function button(props, onPress, ...children) {
  return el("button", { type: "button", on: { click: onPress }, ...props }, ...children);
}

/** Put new content into an element that stays. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A name that is unique in this page, for `id` and `aria-*`. */
let counter = 0;
export function uniqueId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** A link that leaves this page, or plain text if the address is no web or mail address. */
export function link(url, ...label) {
  if (!/^(https?:|mailto:)/i.test(url)) return el("span", {}, ...label);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...label);
}
