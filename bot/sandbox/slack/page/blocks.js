// Blocks as Slack draws them. One function per block; what the sandbox's validator accepts is what is drawn here.

import { el, uniqueId } from "./dom.js";
import { element } from "./elements.js";
import { markdown } from "./markdown.js";
import { richText } from "./richtext.js";
import { textObject } from "./text.js";

const KINDS = {
  header: (block, surface) => el("h3", { class: "block-header" }, textObject(block.text, surface.names)),
  section,
  actions: (block, surface) => el("div", { class: "block-actions" }, block.elements.map((spec) => element(spec, block, surface))),
  context: (block, surface) => el("div", { class: "block-context" }, block.elements.map((spec) => contextPart(spec, surface))),
  divider: () => el("hr"),
  image,
  input,
  rich_text: (block, surface) => el("div", { class: "block-rich" }, richText(block, surface.names)),
  markdown: (block) => el("div", { class: "block-markdown" }, markdown(block.text)),
  table,
};

/** The nodes of a list of blocks. */
export function blocks(list, surface) {
  return list.map((block) => {
    const node = KINDS[block.type](block, surface);
    node.classList.add("block");
    node.dataset.blockId = block.block_id;
    return node;
  });
}

function image(block, surface) {
  const caption = block.title && el("figcaption", {}, textObject(block.title, surface.names));
  return el("figure", {}, caption, picture(block));
}

function picture(spec) {
  return el("img", { src: spec.image_url, alt: spec.alt_text, loading: "lazy" });
}

function section(block, surface) {
  const fields = block.fields?.map((field) => el("div", { class: "section-field" }, textObject(field, surface.names)));
  const isPicture = block.accessory?.type === "image";
  const accessory = block.accessory && (isPicture ? picture(block.accessory) : element(block.accessory, block, surface));
  return el(
    "div",
    { class: "block-section" },
    el(
      "div",
      { class: "section-body" },
      block.text && el("div", { class: "section-text" }, textObject(block.text, surface.names)),
      fields && el("div", { class: "section-fields" }, fields),
    ),
    accessory && el("div", { class: "section-accessory" }, accessory),
  );
}

function contextPart(spec, surface) {
  return spec.type === "image" ? picture(spec) : el("span", {}, textObject(spec, surface.names));
}

/** A labelled input; its error, if the app sent one, is tied to the control for screen readers. */
function input(block, surface) {
  const control = element(block.element, block, surface);
  const target = control.matches("input, textarea, select") ? control : (control.querySelector(".field") ?? control);
  const error = surface.errors?.[block.block_id];
  const errorId = uniqueId("error");
  const labelId = uniqueId("label");
  const optional = block.optional && el("span", { class: "muted" }, " (optional)");
  target.removeAttribute("aria-label");
  target.setAttribute("aria-labelledby", labelId);
  if (error) {
    target.setAttribute("aria-invalid", "true");
    target.setAttribute("aria-describedby", errorId);
  }
  return el(
    "div",
    { class: error ? "block-input has-error" : "block-input" },
    el("div", { class: "input-label", id: labelId }, textObject(block.label, surface.names), optional),
    control,
    error && el("div", { class: "input-error", id: errorId, role: "alert" }, error),
    block.hint && el("div", { class: "muted input-hint" }, textObject(block.hint, surface.names)),
  );
}

function table(block, surface) {
  const setting = (column) => block.column_settings?.[column] ?? {};
  const cell = (content, column, tag) => {
    const { align = "left", is_wrapped: isWrapped } = setting(column);
    const props = { class: isWrapped ? `${align} wrapped` : align, scope: tag === "th" ? "col" : null };
    return el(tag, props, content.type === "rich_text" ? richText(content, surface.names) : content.text);
  };
  const row = (cells, tag) => el("tr", {}, cells.map((content, column) => cell(content, column, tag)));
  const [head, ...rest] = block.rows;
  return el(
    "div",
    { class: "block-table", tabindex: "0", role: "region", "aria-label": "Table" },
    el("table", {}, el("thead", {}, row(head, "th")), el("tbody", {}, rest.map((cells) => row(cells, "td")))),
  );
}
