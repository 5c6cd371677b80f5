"""auth.test, users.*, usergroups.*, apps.connections.open: who is who, and the way in.

Error words from the method pages under docs.slack.dev/reference/methods.
"""

from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.webapi.calls import Call, page_of
from bot.sandbox.slack.wire import Json
from bot.sandbox.slack.world import Person


def auth_test(call: Call) -> Json:
    world = call.backend.world
    return {
        "url": f"https://{world.team.domain}.slack.com/",
        "team": world.team.name,
        "user": world.app.handle,
        "team_id": world.team.id,
        "user_id": world.app.user_id,
        "bot_id": world.app.bot_id,
        "is_enterprise_install": False,
    }


def open_connection(call: Call) -> Json:
    """A WebSocket address with a ticket for one handshake."""
    base = call.backend.url.replace("http://", "ws://", 1)
    return {"url": f"{base}/link/?ticket={call.backend.sockets.issue_ticket()}&app_id={call.backend.world.app.id}"}


def user_info(call: Call) -> Json:
    """A person by id; handles are not ids."""
    person = call.backend.workspace.people.get(call.text("user"))
    if person is None:
        raise SlackError("user_not_found")
    return {"user": _described(person)}


def user_list(call: Call) -> Json:
    people = [_described(person) for person in call.backend.workspace.people.values()]
    return page_of(call, people, "members", 1000)


def usergroup_list(call: Call) -> Json:
    team = call.backend.world.team
    groups = [
        {
            "id": group.id,
            "team_id": team.id,
            "is_usergroup": True,
            "name": group.name,
            "handle": group.handle,
            "description": "",
            "is_external": False,
            "date_delete": 0,
            "user_count": len(call.backend.workspace.group_members[group.id]),
            **({"users": call.backend.workspace.group_members[group.id]} if call.flag("include_users") else {}),
        }
        for group in call.backend.world.usergroups
    ]
    return {"usergroups": groups}


def usergroup_users(call: Call) -> Json:
    users = call.backend.workspace.group_members.get(call.text("usergroup"))
    if users is None:
        raise SlackError("no_such_subteam")
    return {"users": users}


def _described(person: Person) -> Json:
    """docs user-object, the keys an app may rely on."""
    return {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.handle,
        "real_name": person.name,
        "deleted": False,
        "is_admin": False,
        "is_owner": False,
        "is_bot": person.is_bot,
        "is_app_user": False,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": False,
        "is_stranger": False,
        "tz": person.zone,
        "tz_offset": 0,
        "profile": {
            "title": person.title,
            "real_name": person.name,
            "display_name": person.handle,
            "team": person.team_id,
        },
    }
