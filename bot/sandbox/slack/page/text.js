// A text object of Block Kit: mrkdwn is parsed, plain_text is literal but for emoji names.

import { withEmoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";

/** The nodes of a text object. */
export function textObject(text, names) {
  if (text.type === "mrkdwn") return mrkdwn(text.text, names);
  return [text.emoji === false ? text.text : withEmoji(text.text)];
}
