"""Every name that Slack sends back to us, in one place.

Cards and modals write these names, listeners are registered under them, and a test compares the commands with the app's
manifest. An `action_id` in a card that is already posted lives for as long as the card: rename none.
"""

from enum import StrEnum


class CommandName(StrEnum):
    """Slash commands, as the manifest registers them."""

    MIGRATE = "/vm-migrate"
    INVENTORY = "/vm-inventory"


class EventName(StrEnum):
    """Events, as the manifest subscribes to them."""

    MENTION = "app_mention"
    HOME_OPENED = "app_home_opened"


class ActionId(StrEnum):
    """Buttons and the inputs of modals."""

    CONFIRM = "plan_confirm"
    MODIFY = "plan_modify"
    CANCEL = "plan_cancel"
    DENY = "plan_deny"
    INCIDENT = "plan_incident"
    AGAIN = "plan_again"
    USE_LIVE = "plan_live"
    USE_COLD = "plan_cold"
    REPLACE_RULES = "plan_replace_rules"
    SUGGEST = "plan_suggest"
    PICK_NODE = "plan_pick_node"
    USE_NODE = "plan_use_node"
    CHECK_AGAIN = "plan_check_again"
    CHECKS = "plan_checks"
    CALL_OFF = "move_cancel"
    WATCH_ON = "move_watch_on"
    CLEAN_UP = "migration_delete"
    MOVE_BACK = "move_back"
    OTHER_NODE = "plan_other_node"
    RUNBOOK = "runbook_open"
    WAIT = "stuck_wait"
    FORCE = "stuck_force"
    HOME = "stuck_home"
    ELSEWHERE = "stuck_elsewhere"
    PIN_REMOVE = "pin_remove"
    PIN_KEEP = "pin_keep"
    PIN_LATER = "pin_later"
    UNPIN = "vm_unpin"
    READING = "request_reading"
    PICK_NAMESPACE = "request_namespace"
    ACCEPT_DOWNTIME = "batch_accept_downtime"
    ACCEPT_OVERCOMMIT = "batch_accept_overcommit"
    STAGE = "batch_stage"
    UNSTAGE = "batch_unstage"
    PAUSE = "batch_pause"
    STOP = "batch_stop"
    GO_ON = "batch_go_on"
    SKIP = "batch_skip"
    RETRY = "batch_retry"
    RETRY_COLD = "batch_retry_cold"
    BACK = "batch_back"
    BRING_BACK = "batch_bring_back"
    UNPIN_ALL = "batch_unpin"
    LINES = "batch_lines"
    BESIDE = "batch_beside"
    STAGES = "batch_stages"
    PAUSES = "batch_pauses"
    VM = "vm"
    NAMESPACE = "namespace"
    TARGET = "target"
    TYPE = "type"
    REASON = "reason"
    INCIDENT_ID = "incident"


class BlockId(StrEnum):
    """Input blocks of the Modify modal; field errors are keyed by them."""

    VM = "field_vm"
    NAMESPACE = "field_namespace"
    TARGET = "field_target"
    TYPE = "field_type"
    REASON = "field_reason"
    INCIDENT_ID = "field_incident"
    LINES = "field_lines"
    BESIDE = "field_beside"
    STAGES = "field_stages"
    PAUSES = "field_pauses"


class CallbackId(StrEnum):
    """Modals."""

    MODIFY = "modify_plan"
    ELSEWHERE = "another_node"
    DENY = "deny_plan"
    INCIDENT = "declare_incident"
    BATCH = "modify_batch"


class Slot(StrEnum):
    """The messages that show one plan: its card in the channel, the others in the card's thread. What is asked anew has
    a message for each time, whose slot begins with the word here (see `handlers.cards.reminder`)."""

    CARD = "card"
    EDIT = "edit"
    VERDICT = "verdict"
    NEAR = "near"
    INCIDENT = "incident"
    AUDIT = "audit"
    UNTOLD = "untold"
    TIMELINE = "timeline"
    PROGRESS = "progress"
    OVERDUE = "overdue"
    QUESTION = "question"
    REPORT = "report"
    RUNBOOK = "runbook"
    REMINDER = "reminder"
    TABLE = "table"
    DONE = "done"
    HOLD = "hold"


PLAN_EVENT = "vm_move_plan"
"""`event_type` of the metadata on each of our messages, by which a lost one is found again."""
