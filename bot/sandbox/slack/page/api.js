// Talks to the sandbox: deeds of a person as JSON posts, what happens as a stream of events.

async function answerOf(response) {
  try {
    return await response.json();
  } catch {
    return { ok: false, error: `http_${response.status}` };
  }
}

/** Do a deed as `user`; the answer always has `ok`. */
export async function act(user, deed, body = {}) {
  try {
    const response = await fetch(`/sandbox/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user, ...body }),
    });
    return await answerOf(response);
  } catch {
    return { ok: false, error: "sandbox_not_reachable", detail: "The sandbox does not answer. Is it still running?" };
  }
}

/** The whole screen of a person. */
export async function screen(user) {
  return answerOf(await fetch(`/sandbox/state?user=${encodeURIComponent(user)}`, { cache: "no-store" }));
}

/**
 * Listen to what happens; `onOpen` runs on every (re)connection, as events in between are lost. `onLost` hears whether
 * the browser has given up. Returns a function that stops listening.
 */
export function listen(user, onOpen, onEvent, onLost) {
  const source = new EventSource(`/sandbox/events?user=${encodeURIComponent(user)}`);
  source.addEventListener("open", onOpen);
  source.addEventListener("message", (message) => onEvent(JSON.parse(message.data)));
  source.addEventListener("error", () => onLost(source.readyState === EventSource.CLOSED));
  return () => source.close();
}
