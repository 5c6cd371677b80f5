// Puts the page together: one person's screen, kept live, and the place one is at.

import { act, listen, screen } from "./api.js";
import { Composer } from "./composer.js";
import { Console } from "./console.js";
import { fill } from "./dom.js";
import { dismissHint, showHint } from "./hint.js";
import { homeNodes } from "./home.js";
import { ModalStack } from "./modal.js";
import { readPlace, writePlace } from "./place.js";
import { Sidebar } from "./sidebar.js";
import { Store } from "./store.js";
import { Timeline } from "./timeline.js";
import { toast } from "./toasts.js";

const FIRST_PERSON = "dana";
const FIRST_COMMAND = "/vm-migrate web-01 worker-05";
const at = (id) => document.getElementById(id);

/** The page: what the parts ask for. */
class Page {
  #store = new Store();
  #place = readPlace();
  #stop = () => {};
  #sidebar = new Sidebar(this.#store, this);
  #timeline = new Timeline(at("messages"), this.#store, this);
  #thread = new Timeline(at("thread-messages"), this.#store, this, { inThread: true });
  #modals = new ModalStack(this.#store, this, at("modal"));
  #composer = new Composer(this.#store, this, "Message", () => ({ channel: this.#place.channel }));
  #replies = new Composer(this.#store, this, "Reply…", () => ({ channel: this.#place.channel, thread_ts: this.#place.thread }));

  #console = new Console();

  constructor() {
    at("composer").append(this.#composer.node);
    at("thread-composer").append(this.#replies.node);
    at("thread-close").addEventListener("click", () => this.openThread(null));
    at("thread").addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && this.openThread(null));
    at("back").addEventListener("click", () => document.body.classList.remove("in-channel"));
    addEventListener("popstate", () => this.#goTo(readPlace()));
    addEventListener("focus", () => this.#markRead());
    this.#store.addEventListener("change", ({ detail }) => this.#draw(detail));
    this.#sit(this.#place.user ?? FIRST_PERSON);
  }

  /** Become another person, in the same channel if they are in it. */
  become(user) {
    this.#place = { ...this.#place, user, thread: null };
    writePlace(this.#place);
    this.#sit(user);
  }

  /** Listen as a person; the screen is loaded once the stream is open, so that nothing is missed in between. */
  #sit(user) {
    this.#stop();
    this.#place = { ...this.#place, user };
    this.#stop = listen(user, () => this.#load(), (event) => this.#store.apply(event), (isOver) => this.#lost(isOver));
  }

  openChannel(channel) {
    document.body.classList.add("in-channel");
    this.#move({ channel, thread: null, home: null });
    this.#composer.input.focus({ preventScroll: true });
  }

  /** The app's Home tab; the app draws it anew each time somebody looks. */
  openHome() {
    document.body.classList.add("in-channel");
    this.#move({ thread: null, home: "1" });
    act(this.#store.state.me.id, "home").then((answer) => this.report(answer));
    at("home").focus({ preventScroll: true });
  }

  openThread(thread) {
    this.#move({ thread });
    if (thread) this.#replies.input.focus({ preventScroll: true });
    else this.#composer.input.focus({ preventScroll: true });
  }

  async join(channel) {
    this.report(await act(this.#store.state.me.id, "channels/join", { channel }));
    await this.#load();
    this.openChannel(channel);
  }

  /** Say what became of a deed, if there is something to say. */
  report(answer) {
    const isToldAnyway = ["operation_timeout", "dispatch_failed"].includes(answer.error);
    if (answer.notice) toast(answer.notice, "info");
    if (!answer.ok && !isToldAnyway) toast(answer.detail ?? `That did not work: ${answer.error}`);
  }

  async #load() {
    at("lost").hidden = true;
    const state = await screen(this.#place.user);
    if (!state.ok) {
      this.report(state);
      if (this.#place.user !== FIRST_PERSON) this.become(FIRST_PERSON);
      return;
    }
    this.#store.reset(state);
    if (state.has_console) this.#console.start();
  }

  #lost(isOver) {
    at("lost").hidden = false;
    if (isOver) this.#load();
  }

  #goTo(place) {
    const isSomebodyElse = place.user && place.user !== this.#place.user;
    this.#place = { ...place, user: place.user ?? this.#place.user };
    if (isSomebodyElse) this.#sit(place.user);
    else if (this.#store.state) this.#drawAll();
  }

  #move(change) {
    this.#place = { ...this.#place, ...change };
    this.#drawAll();
    writePlace(this.#place);
  }

  #draw({ kind, ...event }) {
    const drawing = {
      reset: () => this.#drawAll(),
      channels_changed: () => this.#load(),
      message: () => this.#drawNew(event.message),
      message_changed: () => this.#inBoth((timeline) => timeline.replace(event.message)),
      message_deleted: () => this.#inBoth((timeline) => timeline.remove(event.ts)),
      view_opened: () => this.#modals.show(),
      view_updated: () => this.#modals.show(),
      view_closed: () => this.#modals.show(),
      home_published: () => this.#drawHome(),
      toast: () => toast(event.text),
    }[kind];
    drawing?.();
    if (kind !== "reset") this.#sidebar.showChannels(this.#current);
  }

  #inBoth(change) {
    change(this.#timeline);
    change(this.#thread);
  }

  #drawNew(message) {
    if (message.bot_id) dismissHint(at("hint"));
    if (message.channel !== this.#place.channel) return;
    if (this.#isInTimeline(message)) this.#timeline.append(message);
    if (message.thread_ts && message.thread_ts === this.#place.thread) this.#thread.append(message);
    at("announcer").textContent = `${this.#store.person(message.user).name}: ${message.text}`;
    this.#markRead();
  }

  #isInTimeline(message) {
    return !message.thread_ts || message.thread_ts === message.ts || message.subtype === "thread_broadcast";
  }

  #drawAll() {
    const { state } = this.#store;
    const channel = this.#store.channel(this.#place.channel) ?? state.channels[0];
    this.#place = { ...this.#place, channel: channel.id };
    this.#drawHead(channel);
    const messages = this.#store.messages(channel.id).filter((message) => this.#isInTimeline(message));
    const ofOthers = messages.filter((message) => message.user !== state.me.id);
    const firstUnread = channel.unread ? ofOthers.at(-channel.unread)?.ts : null;
    this.#drawThread(channel.id);
    showHint(at("hint"), FIRST_COMMAND, (text) => this.#composer.put(text));
    this.#timeline.show(messages, firstUnread);
    this.#modals.show();
    this.#drawHome();
    this.#sidebar.show(this.#current);
    writePlace(this.#place, { replace: true });
    this.#markRead();
  }

  /** The channel that is marked in the sidebar; none while one looks at the app's Home tab. */
  get #current() {
    return this.#place.home ? null : this.#place.channel;
  }

  #drawHome() {
    const isHome = Boolean(this.#place.home);
    at("home").hidden = !isHome;
    for (const id of ["messages", "composer"]) at(id).hidden = isHome;
    if (!isHome) return;
    at("hint").hidden = true;
    at("channel-title").textContent = this.#store.state.app.handle;
    at("channel-topic").textContent = "Home";
    at("channel-members").textContent = "";
    at("channel-shared").hidden = at("channel-no-bot").hidden = true;
    document.title = `${this.#store.state.app.handle} | sandbox`;
    fill(at("home"), homeNodes(this.#store));
  }

  #drawHead(channel) {
    const sign = channel.is_im ? "" : "#";
    at("channel-title").textContent = sign + channel.name;
    at("channel-topic").textContent = channel.topic;
    at("channel-members").textContent = `${channel.members.length} members`;
    at("channel-members").title = channel.members.map((id) => this.#store.person(id).name).join(", ");
    at("channel-shared").hidden = !channel.is_ext_shared;
    at("channel-no-bot").hidden = channel.members.includes(this.#store.state.app.user_id);
    document.title = `${sign}${channel.name} | sandbox`;
    this.#composer.setLabel(`Message ${sign}${channel.name}`);
  }

  #drawThread(channelId) {
    const root = this.#place.thread && this.#store.message(channelId, this.#place.thread);
    at("thread").hidden = !root;
    document.body.classList.toggle("in-thread", Boolean(root));
    if (!root) return;
    const replies = this.#store.messages(channelId).filter((message) => message.thread_ts === root.ts && message.ts !== root.ts);
    this.#thread.show([root, ...replies]);
  }

  #markRead() {
    if (this.#place.home) return;
    const channel = this.#store.state && this.#store.channel(this.#place.channel);
    if (!channel?.unread || !document.hasFocus()) return;
    channel.unread = 0;
    act(this.#store.state.me.id, "read", { channel: channel.id });
    this.#sidebar.showChannels(channel.id);
  }
}

new Page();
