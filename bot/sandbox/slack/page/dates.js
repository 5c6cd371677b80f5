// Slack's date formats: `<!date^seconds^{date} at {time}|fallback>` and the times beside messages.

const DAY = 86_400;

function local(seconds, options) {
  return new Intl.DateTimeFormat(undefined, options).format(new Date(seconds * 1000));
}

function pretty(seconds, options) {
  const midnight = new Date().setHours(0, 0, 0, 0) / 1000;
  const days = Math.floor((seconds - midnight) / DAY);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? local(seconds, options);
}

function ago(seconds) {
  const passed = seconds - Date.now() / 1000;
  const [size, unit] = [[DAY, "day"], [3600, "hour"], [60, "minute"]].find(([each]) => Math.abs(passed) >= each) ?? [1, "second"];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(Math.round(passed / size), unit);
}

const SHORT = { year: "numeric", month: "short", day: "numeric" };
const LONG = { weekday: "long", year: "numeric", month: "long", day: "numeric" };
const PLAIN = { year: "numeric", month: "long", day: "numeric" };

const TOKENS = {
  date_num: (s) => new Date(s * 1000).toISOString().slice(0, 10),
  date: (s) => local(s, PLAIN),
  date_short: (s) => local(s, SHORT),
  date_long: (s) => local(s, LONG),
  date_pretty: (s) => pretty(s, PLAIN),
  date_short_pretty: (s) => pretty(s, SHORT),
  date_long_pretty: (s) => pretty(s, LONG),
  time: (s) => local(s, { hour: "2-digit", minute: "2-digit" }),
  time_secs: (s) => local(s, { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  ago,
};

/** A Slack date format with its tokens filled in; the fallback if anything in it is unknown. */
export function formatDate(seconds, format, fallback) {
  const tokens = [...format.matchAll(/\{(\w+)\}/g)].map(([, token]) => token);
  const isKnown = Number.isFinite(seconds) && tokens.every((token) => Object.hasOwn(TOKENS, token));
  return isKnown ? format.replace(/\{(\w+)\}/g, (_, token) => TOKENS[token](seconds)) : fallback || format;
}

/** The clock time of a message. */
export const timeOf = (ts) => TOKENS.time(Number(ts));
/** Date and time in full, for a tooltip. */
export const fullTimeOf = (ts) => local(Number(ts), { dateStyle: "full", timeStyle: "medium" });
/** The day of a message as a heading. */
export const dayOf = (ts) => pretty(Number(ts), LONG).replace(/^./, (first) => first.toUpperCase());
