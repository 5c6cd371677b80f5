// Where one is (person, channel, thread) lives in the address, so a reload or a second tab shows the same place.

/** Read the place from the address. */
export function readPlace() {
  const parameters = new URLSearchParams(location.hash.slice(1));
  return { user: parameters.get("as"), home: parameters.get("home"), channel: parameters.get("channel"), thread: parameters.get("thread") };
}

/** Write the place into the address; `replace` leaves no step to go back to. */
export function writePlace({ user, home, channel, thread }, { replace = false } = {}) {
  const parameters = new URLSearchParams();
  for (const [name, value] of [["as", user], ["home", home], ["channel", channel], ["thread", thread]]) if (value) parameters.set(name, value);
  const address = `#${parameters}`;
  if (address === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", address);
}
