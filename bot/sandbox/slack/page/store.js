// What this page knows: one person's screen, kept true by events. It changes state and tells listeners; it draws nothing.

/** Holds the state of `/sandbox/state` and applies the events of `/sandbox/events`. */
export class Store extends EventTarget {
  state = null;

  /** Replace everything (first load, another person, after a lost connection). */
  reset(state) {
    this.state = state;
    this.#tell("reset");
  }

  /** Apply one event. */
  apply(event) {
    const change = {
      message: () => this.#add(event.message),
      message_changed: () => this.#replace(event.message),
      message_deleted: () => this.#remove(event),
      view_opened: () => this.#putView(event.view),
      view_updated: () => this.#putView(event.view),
      view_closed: () => this.#dropView(event.view_id),
      home_published: () => (this.state.home = event.view),
      app_presence: () => (this.state.app_connections = event.connections),
    }[event.type];
    change?.();
    this.#tell(event.type, event);
  }

  channel(id) {
    return this.state.channels.find((channel) => channel.id === id);
  }

  messages(channelId) {
    return (this.state.messages[channelId] ??= []);
  }

  message(channelId, ts) {
    return this.messages(channelId).find((message) => message.ts === ts);
  }

  person(id) {
    return this.state.people.find((person) => person.id === id);
  }

  /** Names for mentions, see `mrkdwn`. */
  get names() {
    const group = (id) => this.state.usergroups.find((each) => each.id === id);
    return {
      person: (id) => this.person(id)?.name,
      channel: (id) => this.channel(id)?.name ?? this.state.joinable.find((channel) => channel.id === id)?.name,
      group: (id) => group(id)?.handle,
      isMe: (id) => id === this.state.me.id,
      isMyGroup: (id) => group(id)?.members.includes(this.state.me.id) ?? false,
    };
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
    this.dispatchEvent(new CustomEvent("change", { detail: { kind, ...detail } }));
  }

  #add(message) {
    this.messages(message.channel).push(message);
    const channel = this.channel(message.channel);
    if (channel && message.user !== this.state.me.id) channel.unread += 1;
  }

  #replace(message) {
    const list = this.messages(message.channel);
    const index = list.findIndex((each) => each.ts === message.ts);
    if (index >= 0) list[index] = message;
  }

  #remove({ channel, ts }) {
    this.state.messages[channel] = this.messages(channel).filter((message) => message.ts !== ts);
  }

  #putView(view) {
    const index = this.state.views.findIndex((each) => each.id === view.id);
    const sameStack = this.state.views.filter((each) => each.root_view_id === view.root_view_id);
    if (index >= 0) this.state.views[index] = view;
    else this.state.views = [...sameStack, view];
  }

  #dropView(id) {
    this.state.views = this.state.views.filter((view) => view.id !== id);
  }
}
