// The rich_text block: literal elements with styles, in sections, lists, quotes and preformatted parts.

import { formatDate } from "./dates.js";
import { el, link } from "./dom.js";
import { emojiOf } from "./emoji.js";
import { mention } from "./mrkdwn.js";

const STYLE_TAGS = { code: "code", strike: "s", italic: "em", underline: "u", bold: "strong" };

const INLINE = {
  text: (part) => part.text,
  link: (part) => link(part.url, part.text || part.url),
  emoji: (part) => el("span", { class: "emoji", role: "img", "aria-label": part.name }, emojiOf(part.name) ?? `:${part.name}:`),
  user: ({ user_id: id }, names) => mention("@", names.person(id) ?? id, names.isMe(id)),
  usergroup: ({ usergroup_id: id }, names) => mention("@", names.group(id) ?? id, names.isMyGroup(id)),
  channel: ({ channel_id: id }, names) => mention("#", names.channel(id) ?? id),
  broadcast: (part) => mention("@", part.range, true),
  date: (part) => el("time", {}, formatDate(part.timestamp, part.format, part.fallback)),
  color: (part) => part.value,
};

const PARTS = {
  rich_text_section: (part, names) => el("div", { class: "rich-section" }, inlines(part.elements, names)),
  rich_text_quote: (part, names) => el("blockquote", {}, inlines(part.elements, names)),
  rich_text_preformatted: (part, names) => el("pre", {}, el("code", {}, inlines(part.elements, names))),
  rich_text_list: list,
};

function inlines(elements, names) {
  return elements.map((part) => styled(INLINE[part.type](part, names), part.style ?? {}));
}

function styled(node, style) {
  return Object.entries(STYLE_TAGS).reduce((inner, [name, tag]) => (style[name] ? el(tag, {}, inner) : inner), node);
}

function list(part, names) {
  const items = part.elements.map((section) => el("li", {}, inlines(section.elements, names)));
  const start = part.style === "ordered" && part.offset ? part.offset + 1 : null;
  return el(part.style === "ordered" ? "ol" : "ul", { class: `indent-${part.indent ?? 0}`, start }, items);
}

/** The nodes of a rich_text block. */
export function richText(block, names) {
  return block.elements.map((part) => PARTS[part.type](part, names));
}
