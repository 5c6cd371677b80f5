"""The steps of a story in words for people: what is done, or what you are asked to do, and what is then checked."""

from typing import Any

from bot.sandbox.play.script import Click, Expect, Say, Step, Submit, Vm

Json = dict[str, Any]

_BOT = {
    "kill": "the bot is killed",
    "stop": "the bot is stopped",
    "start": "the bot comes back",
    "restart": "the bot is killed and comes back",
}


def of(step: Step, *, by_hand: bool) -> Json:
    """`text` for the list; `kind` tells apart what a person does, what is checked, what happens, and what is taught."""
    kind, text = _told(step)
    yours = by_hand and kind == "person"
    return {"kind": "yours" if yours else kind, "text": f"You, as {text}" if yours else text}


def _told(step: Step) -> tuple[str, str]:
    given = getattr(step, next(iter(step.model_fields_set)))
    match given:
        case Say():
            return "person", f"{given.who}: type {given.text} in {given.channel}"
        case Click():
            return "person", f"{given.who}: press {given.button}{' twice' if given.double else ''}"
        case Submit():
            filled = ", ".join(f"{label}: {value}" for label, value in given.values.items())
            return "person", f"{given.who}: {'close the form' if given.close else f'fill in {filled} and send it'}"
        case Expect():
            return "check", f"{given.who} sees {', '.join(given.text) or 'a message'}"
        case Vm():
            return "check", f"{given.name} runs on {given.node}{_moved(given.migrations)}"
    return _event(step)


def _moved(migrations: int | None) -> str:
    if migrations is None:
        return ""
    return {0: ", not moved", 1: ", moved once"}.get(migrations, f", moved {migrations} times")


def _event(step: Step) -> tuple[str, str]:
    """What befalls the people: faults, time, a word of advice."""
    if step.tell:
        return "lesson", step.tell
    if step.bot:
        return "event", _BOT[step.bot]
    if step.slack:
        return "event", "Slack works again" if "clear" in step.slack else "Slack is in trouble"
    if step.cluster:
        return "event", "the cluster works again" if "clear" in step.cluster else "something is prepared in the cluster"
    if step.api:
        return "event", f"an admin changes {step.api.path.rpartition('/')[2]}"
    if step.clock:
        return "event", "time passes in the cluster"
    return "event", "the operators' rules change" if step.policy else "a moment passes"
