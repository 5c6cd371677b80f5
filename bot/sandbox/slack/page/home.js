// The app's Home tab: one view for one person, as the app published it last.

import { blocks } from "./blocks.js";
import { el } from "./dom.js";

/** The nodes of what this person sees there. Nothing in it is delivered to the app but links, which are followed here. */
export function homeNodes(store) {
  const { home, app } = store.state;
  if (!home) return [el("p", { class: "muted" }, `${app.handle} has not shown anything here yet.`)];
  const surface = { names: store.names, entry: () => undefined, remember: () => {}, use: () => {}, suggest: () => [] };
  return [el("div", { class: "message-blocks" }, blocks(home.blocks, surface))];
}
