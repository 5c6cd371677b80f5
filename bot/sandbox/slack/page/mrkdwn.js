// Slack's mrkdwn as DOM nodes: code, quotes, bold, italic, strike, links, mentions, dates, emoji.
// Text arrives escaped (&amp; &lt; &gt;) and is unescaped exactly once, on its way into a text node.

import { el, link } from "./dom.js";
import { formatDate } from "./dates.js";
import { emojiOf } from "./emoji.js";

const INLINE = [
  { pattern: /`([^`\n]+)`/, make: (content) => el("code", {}, unescape(content)) },
  { pattern: /<([^<>\n]+)>/, make: (content, names) => special(content, names) },
  { pattern: /(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])/, make: (content, names) => el("strong", {}, inline(content, names)) },
  { pattern: /(?<![\w_])_(?=\S)([^_\n]*[^_\s])_(?![\w_])/, make: (content, names) => el("em", {}, inline(content, names)) },
  { pattern: /(?<![\w~])~(?=\S)([^~\n]*[^~\s])~(?![\w~])/, make: (content, names) => el("s", {}, inline(content, names)) },
];

/** The nodes of a mrkdwn text. `names` knows people, channels and groups by id. */
export function mrkdwn(text, names) {
  return text.split(/```/).flatMap((part, index, parts) => {
    const isCode = index % 2 === 1 && index < parts.length - 1;
    if (isCode) return el("pre", {}, el("code", {}, unescape(part.replace(/^\n/, "").replace(/\n$/, ""))));
    const rest = index > 0 && index % 2 === 0 ? part.replace(/^\n/, "") : part;
    return lines(index % 2 === 1 ? "```" + part : rest, names);
  });
}

/** Neighbouring lines that begin with `>` are one quote; other line breaks stay. */
function lines(text, names) {
  const nodes = [];
  let quote = null;
  for (const [index, line] of text.split("\n").entries()) {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)$/);
    if (quoted) {
      if (quote) quote.append(el("br"));
      else nodes.push((quote = el("blockquote", {})));
      quote.append(...inline(quoted[1], names));
    } else {
      if (index > 0 && !quote) nodes.push(el("br"));
      quote = null;
      nodes.push(...inline(line, names));
    }
  }
  return nodes;
}

function inline(text, names) {
  let first = null;
  for (const rule of INLINE) {
    const found = rule.pattern.exec(text);
    if (found && (!first || found.index < first.found.index)) first = { rule, found };
  }
  if (!first) return plain(text);
  const { rule, found } = first;
  const rest = text.slice(found.index + found[0].length);
  return [...plain(text.slice(0, found.index)), rule.make(found[1], names), ...inline(rest, names)];
}

function plain(text) {
  if (!text) return [];
  return text.split(/(:[a-z0-9_+-]+:)/).filter(Boolean).map((part) => emoji(part) ?? unescape(part));
}

function emoji(part) {
  const character = /^:.+:$/.test(part) ? emojiOf(part.slice(1, -1)) : undefined;
  return character && el("span", { class: "emoji", role: "img", "aria-label": part.slice(1, -1), title: part }, character);
}

function special(content, names) {
  const [target, label] = content.split(/\|(.*)/s);
  const [, kind, id] = target.match(/^(@|#|!subteam\^|!date\^)(.*)$/s) ?? [];
  if (kind === "@") return mention("@", names.person(id) ?? label ?? id, names.isMe(id));
  if (kind === "#") return mention("#", names.channel(id) ?? label ?? id);
  if (kind === "!subteam^") return mention("@", names.group(id) ?? label ?? id, names.isMyGroup(id));
  if (kind === "!date^") return date(id, label);
  if (target.startsWith("!")) return mention("@", target.slice(1), true);
  return link(unescape(target), unescape(label ?? target.replace(/^mailto:/, "")));
}

/** A mention; `isMine` sets off those that would ring for the reader. */
export function mention(sign, name, isMine = false) {
  return el("span", { class: isMine ? "mention mention-mine" : "mention" }, sign + unescape(name));
}

function date(spec, fallback) {
  const [seconds, format, url] = spec.split("^");
  const text = formatDate(Number(seconds), format ?? "", unescape(fallback ?? ""));
  return url ? link(url, text) : el("time", {}, text);
}

function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
