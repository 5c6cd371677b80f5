"""The numbers of Block Kit and of messages, stated here on their own and compared with an independent list in tests.

Sources: docs.slack.dev/reference/block-kit (blocks, block-elements, composition-objects),
docs.slack.dev/surfaces/modals and the method pages. Lengths are characters, counts are items.
"""

ACTION_ID = 255
BLOCK_ID = 255

TEXT = 3000
HEADER_TEXT = 150
SECTION_TEXT = 3000
SECTION_FIELDS = 10
SECTION_FIELD_TEXT = 2000
ACTIONS_ELEMENTS = 25
CONTEXT_ELEMENTS = 10
IMAGE_URL = 3000
IMAGE_ALT_TEXT = 2000
IMAGE_TITLE = 2000
INPUT_LABEL = 2000
INPUT_HINT = 2000
MARKDOWN_TOTAL_TEXT = 12_000
TABLE_ROWS = 100
TABLE_COLUMNS = 20
RICH_TEXT_LIST_INDENT = 8
RICH_TEXT_BORDER = 1

BUTTON_TEXT = 75
BUTTON_VALUE = 2000
BUTTON_URL = 3000
BUTTON_ACCESSIBILITY_LABEL = 75
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTION_DESCRIPTION = 75
OPTION_URL = 3000
OPTION_GROUP_LABEL = 75
SELECT_OPTIONS = 100
SELECT_OPTION_GROUPS = 100
OVERFLOW_OPTIONS = 5
CHOICE_OPTIONS = 10
"""Options of radio_buttons and of checkboxes."""
PLACEHOLDER = 150
PLAIN_TEXT_INPUT_LENGTH = 3000

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
VIEW_TITLE = 24
VIEW_BUTTON = 24
VIEW_PRIVATE_METADATA = 3000
VIEW_CALLBACK_ID = 255
VIEW_EXTERNAL_ID = 255
VIEW_BYTES = 250_000
VIEW_STACK = 3

MESSAGE_TEXT = 40_000
"""chat.postMessage; Slack used to cut here and today may refuse, so the sandbox refuses."""
UPDATE_TEXT = 4_000
"""docs chat.update, `msg_too_long`: "The text field cannot exceed 4,000 characters"."""
MESSAGE_BLOCKS_SIZE = 13_200
"""Undocumented sum over one message's blocks (github.com/slackapi/bolt-js/issues/2509, 2867): `msg_blocks_too_long`.
Slack's way of counting is not public; the sandbox counts the characters of the compact JSON, which is never laxer."""
TABLES_PER_MESSAGE = 1
