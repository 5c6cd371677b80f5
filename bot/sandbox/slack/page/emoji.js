// Emoji names that bots for operations use, as characters. A name that is not here stays as `:name:`, so that a
// time such as 12:00:01 is never mistaken for one.

const NAMES = {
  "+1": "👍", "-1": "👎", alarm_clock: "⏰", ambulance: "🚑", arrow_down: "⬇️", arrow_forward: "▶️", arrow_left: "⬅️",
  arrow_right: "➡️", arrow_up: "⬆️", arrows_clockwise: "🔃", arrows_counterclockwise: "🔄", ballot_box_with_check: "☑️",
  bar_chart: "📊", battery: "🔋", bell: "🔔", black_circle: "⚫", black_square_button: "🔲", blue_heart: "💙", bookmark: "🔖",
  boom: "💥", broken_heart: "💔", bug: "🐛", bulb: "💡", busts_in_silhouette: "👥", calendar: "📆", camera: "📷",
  chart_with_upwards_trend: "📈", clap: "👏", clipboard: "📋", clock1: "🕐", clock3: "🕒", closed_lock_with_key: "🔐",
  computer: "💻", construction: "🚧", cool: "🆒", crossed_fingers: "🤞", cyclone: "🌀", desktop_computer: "🖥️", dizzy: "💫",
  door: "🚪", electric_plug: "🔌", envelope: "✉️", exclamation: "❗", eyes: "👀", file_folder: "📁", fire: "🔥",
  floppy_disk: "💾", gear: "⚙️", ghost: "👻", gift: "🎁", globe_with_meridians: "🌐", green_heart: "💚", grey_exclamation: "❕",
  grey_question: "❔", grinning: "😀", hammer: "🔨", hammer_and_wrench: "🛠️", heart: "❤️", heavy_check_mark: "✔️",
  heavy_minus_sign: "➖", heavy_multiplication_x: "✖️", heavy_plus_sign: "➕", hourglass: "⌛", hourglass_flowing_sand: "⏳",
  house: "🏠", inbox_tray: "📥", information_source: "ℹ️", key: "🔑", label: "🏷️", large_blue_circle: "🔵",
  large_green_circle: "🟢", large_orange_circle: "🟠", large_red_circle: "🔴", large_yellow_circle: "🟡", link: "🔗",
  lock: "🔒", loudspeaker: "📢", mag: "🔍", mega: "📣", memo: "📝", moneybag: "💰", muscle: "💪", negative_squared_cross_mark: "❎",
  no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", ok: "🆗", ok_hand: "👌", outbox_tray: "📤", package: "📦",
  page_facing_up: "📄", page_with_curl: "📃", paperclip: "📎", partying_face: "🥳", pause_button: "⏸️", double_vertical_bar: "⏸️",
  pencil: "📝", pencil2: "✏️", pin: "📌", point_right: "👉", pray: "🙏", pushpin: "📌", question: "❓", radio_button: "🔘",
  raised_hand: "✋", raised_hands: "🙌", recycle: "♻️", red_circle: "🔴", repeat: "🔁", robot_face: "🤖", rocket: "🚀",
  rotating_light: "🚨", round_pushpin: "📍", satellite: "📡", scroll: "📜", shield: "🛡️", ship: "🚢", skull: "💀",
  sleeping: "😴", slightly_smiling_face: "🙂", small_blue_diamond: "🔹", small_orange_diamond: "🔸", smile: "😄", snowflake: "❄️",
  sos: "🆘", sparkles: "✨", speech_balloon: "💬", star: "⭐", stop_button: "⏹️", black_square_for_stop: "⏹️", stopwatch: "⏱️",
  sunglasses: "😎", tada: "🎉", thermometer: "🌡️", thinking_face: "🤔", thought_balloon: "💭", thumbsdown: "👎", thumbsup: "👍",
  ticket: "🎫", timer_clock: "⏲️", tools: "🛠️", traffic_light: "🚥", triangular_flag_on_post: "🚩", truck: "🚚",
  twisted_rightwards_arrows: "🔀", unlock: "🔓", vertical_traffic_light: "🚦", warning: "⚠️", wastebasket: "🗑️", wave: "👋",
  white_check_mark: "✅", white_circle: "⚪", wrench: "🔧", x: "❌", zap: "⚡", zzz: "💤",
};

/** The character of an emoji name, or undefined. */
export function emojiOf(name) {
  return Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
}

/** Plain text with known emoji names replaced. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emojiOf(name) ?? whole);
}
