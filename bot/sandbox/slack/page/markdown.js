// The markdown block: the common part of Markdown (headings, lists, quotes, fences, tables left out), as DOM nodes.

import { el, link } from "./dom.js";
import { withEmoji } from "./emoji.js";

const INLINE = [
  { pattern: /`([^`\n]+)`/, make: ([, code]) => el("code", {}, code) },
  { pattern: /\[([^\]\n]+)\]\(([^)\s]+)\)/, make: ([, label, url]) => link(url, label) },
  { pattern: /\*\*(\S(?:.*?\S)?)\*\*/, make: ([, text]) => el("strong", {}, inline(text)) },
  { pattern: /~~(\S(?:.*?\S)?)~~/, make: ([, text]) => el("s", {}, inline(text)) },
  { pattern: /(?<![\w*])[*_](\S(?:[^*_\n]*\S)?)[*_](?![\w*])/, make: ([, text]) => el("em", {}, inline(text)) },
];

function inline(text) {
  let first = null;
  for (const rule of INLINE) {
    const found = rule.pattern.exec(text);
    if (found && (!first || found.index < first.found.index)) first = { rule, found };
  }
  if (!first) return [withEmoji(text)];
  const { rule, found } = first;
  return [withEmoji(text.slice(0, found.index)), rule.make(found), ...inline(text.slice(found.index + found[0].length))];
}

const BLOCKS = [
  { starts: /^#{1,6} (.*)$/, make: (lines) => el("p", { class: "md-heading" }, inline(lines[0])), alone: true },
  { starts: /^(?:---|\*\*\*)()$/, make: () => el("hr"), alone: true },
  { starts: /^> ?(.*)$/, make: (lines) => el("blockquote", {}, lines.map((line) => el("div", {}, inline(line)))) },
  { starts: /^[-*] (.*)$/, make: (lines) => el("ul", {}, lines.map((line) => el("li", {}, inline(line)))) },
  { starts: /^\d+[.)] (.*)$/, make: (lines) => el("ol", {}, lines.map((line) => el("li", {}, inline(line)))) },
];
const PARAGRAPH = {
  starts: /^(.+)$/,
  make: (lines) => el("p", {}, lines.map((line, index) => [index > 0 && el("br"), inline(line)])),
};

function paragraphs(text) {
  const nodes = [];
  let open = null;
  const close = () => {
    if (open) nodes.push(open.kind.make(open.lines));
    open = null;
  };
  for (const line of text.split("\n")) {
    const kind = BLOCKS.find((block) => block.starts.test(line)) ?? PARAGRAPH;
    const found = kind.starts.exec(line);
    if (!found || kind.alone || open?.kind !== kind) close();
    if (found) (open ??= { kind, lines: [] }).lines.push(found[1]);
  }
  close();
  return nodes;
}

/** The nodes of a Markdown text. */
export function markdown(text) {
  return text.split(/^```.*\n?/m).flatMap((part, index) =>
    index % 2 === 1 ? el("pre", {}, el("code", {}, part.replace(/\n$/, ""))) : paragraphs(part),
  );
}
