"""What consultants and their managers are told (reconciliation.md 1.2 and 3).

One message a person, month and level; telling of an invalidation counts as that month's `low` and
`medium`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from transforms.commands import (
    EMAIL,
    INVALIDATE,
    SMS,
    STANDING,
    WANTED,
    command_id,
    make_command,
    wants_person,
)
from transforms.messages.letters import address, phone, short
from transforms.messages.notices import OPEN, Desk, Notices, Row, notices
from transforms.monitoring import CRITICAL, HIGH, LOW, MEDIUM, RISKS
from transforms.words.cause_words import cause_words
from transforms.words.causes import NONE_FOUND

NO_ADDRESS = "NO_ADDRESS"
INVALIDATED = "invalidated"
REMINDER = "reminder"
MANAGER = "manager"

SWAP = "swap"
_ZERO = Decimal(0)


def invalidations(
    desk: Desk,
    commands: pl.DataFrame,
    matches: pl.DataFrame,
    causes: pl.DataFrame,
    consultants: pl.DataFrame,
) -> Notices:
    """Tells consultants that their CRA is invalidated, once it is.

    The CRAs of one person and month that go together are told in one mail; one that is invalidated
    again after it was resubmitted is told again, as a level of its own.

    Args:
        desk: what all messages have in common.
        commands: wanted commands of the client side.
        matches: recon.cra_matches.
        causes: what `find_causes` says of them.
        consultants: core.consultants.
    """
    known = {row["id"]: row for row in consultants.to_dicts()}
    rows: list[Row] = []
    holds: list[Row] = []
    taken: set[str] = set()
    reasoned = matches.join(_reasons(desk, causes), on="break_id", how="left")
    for group in _told_together(desk, commands, reasoned):
        first = group[0]
        person = known.get(first["consultant_id"])
        to = address(person["email"]) if person else None
        if person is None or to is None:
            holds.append(_no_address(first, first["cra_id"]))
            continue
        told = sorted({row["cause"] for row in group})
        level = _invalidation_level(desk, first["consultant_id"], first["period"], told, taken)
        rows.append(_invalidation(desk, person, to, group, level, told))
        taken.add(rows[-1]["command_id"])
    rows += [row for row in _still_owed(desk, known) if row["command_id"] not in taken]
    return notices(rows, holds)


def _told_together(desk: Desk, commands: pl.DataFrame, matches: pl.DataFrame) -> list[list[Row]]:
    """Differing rows of each person and month, those that wait for an approval apart."""
    causes = commands.filter(pl.col("kind") == INVALIDATE).select(
        "state", cra_id="target", cause="command_id"
    )
    approved = [name for name, said in desk.decided.items() if said == "approved"]
    rejected = [name for name, said in desk.decided.items() if said == "rejected"]
    waits = (pl.col("state") == "awaiting_approval") & ~pl.col("cause").is_in(approved)
    rows = (
        matches.explode("cra_ids")
        .rename({"cra_ids": "cra_id"})
        .join(causes.filter(~pl.col("cause").is_in(rejected)), on="cra_id")
        .filter(pl.col("difference_days") != _ZERO)
        .with_columns(waits=waits)
        .sort("consultant_id", "period", "waits", "break_id", "cra_id")
    )
    groups = rows.partition_by("consultant_id", "period", "waits", maintain_order=True)
    return [group.to_dicts() for group in groups]


def _reasons(desk: Desk, causes: pl.DataFrame) -> pl.DataFrame:
    """`break_id`, `reason`: the cause in words, where it names nobody else and no money."""
    own = causes.filter(~pl.col("cause").is_in([SWAP, NONE_FOUND]))
    said = pl.col("cause_words").str.strip_chars_start(" \u00a0\u202f;")
    return cause_words(own, desk.language).select("break_id", reason=said).unique("break_id")


def _invalidation(
    desk: Desk, person: Row, to: str, group: Sequence[Row], level: str, causes: list[str]
) -> Row:
    first = group[0]
    figures = ("declared_days", "cra_days")
    lines = {
        row["break_id"]: {"client": row["client_name"], "cause": row["reason"]}
        | {name: row[name] for name in figures}
        for row in group
    }
    about = {
        "period": first["period"],
        "level": level,
        "consultant_id": person["id"],
        "causes": causes,
        "rows": {name: [line["declared_days"], line["cra_days"]] for name, line in lines.items()},
    }
    said = {"first_name": person["first_name"], "period": first["period"]}
    return desk.email(
        INVALIDATED,
        to,
        person["id"],
        first["break_id"],
        about,
        said | {"rows": list(lines.values())},
        depends_on=causes,
        awaits=first["waits"],
    )


def _invalidation_level(
    desk: Desk, consultant_id: str, period: str, causes: Sequence[str], taken: set[str]
) -> str:
    """The level under which these invalidations were told or planned before, else the next free."""
    used = set()
    for message in _invalidation_messages(desk, consultant_id, period):
        if set(message["refs"]["causes"]) & set(causes):
            return str(message["refs"]["level"])
        if message["state"] in STANDING or _is_due(desk, message):
            used.add(message["refs"]["level"])
    number = 1
    while (level := INVALIDATED + (f"-{number}" if number > 1 else "")) in used or command_id(
        EMAIL, consultant_id, f"{INVALIDATED}|{consultant_id}|{period}|{level}"
    ) in taken:
        number += 1
    return level


def _invalidation_messages(desk: Desk, consultant_id: str, period: str) -> Iterator[Row]:
    about = {"notice": INVALIDATED, "consultant_id": consultant_id, "period": period}
    return (row for row in desk.messages if about.items() <= row["refs"].items())


def _is_due(desk: Desk, message: Row) -> bool:
    """Whether the CRA was invalidated meanwhile, or may have been: then the mail is owed.

    So is one that the mail server refused: nothing but this look would ask for it again.
    """
    standing = any(desk.states.get(cause) in STANDING for cause in message["refs"]["causes"])
    return standing and message["state"] in (*OPEN, "refused")


def _still_owed(desk: Desk, known: Mapping[str, Row]) -> list[Row]:
    """Mails about what was done, whatever the facts ask for since; as they were written.

    One that was refused goes to where its person is reached now.
    """
    owed = [
        row for row in desk.messages if row["refs"]["notice"] == INVALIDATED and _is_due(desk, row)
    ]
    rows = []
    for row in owed:
        done = [c for c in row["refs"]["causes"] if desk.states.get(c) in STANDING]
        waits = wants_person(desk.policy, EMAIL, None)
        state = "awaiting_approval" if waits else "planned"
        renewed = {"depends_on": done, "state": state, "payload": _addressed(row, known)}
        rows.append({name: row[name] for name in WANTED} | renewed)
    return rows


def _addressed(message: Row, known: Mapping[str, Row]) -> str:
    """The payload of a message, with another address where it was refused at that one."""
    text = str(message["payload"])
    person = known.get(message["target"])
    to = address(person["email"]) if person else None
    if message["state"] != "refused" or to is None:
        return text
    payload = json.loads(text) | {"to": to}
    return json.dumps(payload, sort_keys=True, ensure_ascii=False)


def informed(desk: Desk, invalidated: Notices) -> set[tuple[str, str]]:
    """Persons and months who are told of an invalidation: that is their `low` and `medium`."""
    told = [row["refs"] for row in desk.messages if row["state"] in STANDING]
    now = invalidated.wanted.filter(pl.col("state") == "planned")["payload"]
    told += [json.loads(payload)["refs"] for payload in now]
    return {(r["consultant_id"], r["period"]) for r in told if r["notice"] == INVALIDATED}


# To the consultant and the manager: the CRA is owed


def reminders(
    desk: Desk,
    alerts: pl.DataFrame,
    consultants: pl.DataFrame,
    *,
    told: set[tuple[str, str]],
    doubtful: frozenset[str] = frozenset(),
) -> Notices:
    """Reminds of CRAs that are owed, by the gravest risk of each person and month.

    Args:
        desk: what all messages have in common.
        alerts: recon.activity_alerts with `cra_status`.
        consultants: core.consultants.
        told: who was told of an invalidation (`informed`).
        doubtful: consultants of whom a record could not be read: they may have submitted.
    """
    known = {row["id"]: row for row in consultants.to_dicts()}
    gravest = alerts.sort(
        pl.col("risk").replace_strict(RISKS, range(len(RISKS)), return_dtype=pl.Int8),
        "due_date",
        "cra_id",
        descending=[True, False, False],
    )
    rows: list[Row] = []
    holds: list[Row] = []
    for (consultant_id, period), group in gravest.group_by(
        ["consultant_id", "period"], maintain_order=True
    ):
        person, alert = known.get(str(consultant_id)), group.row(0, named=True)
        quiet = alert["risk"] in {LOW, MEDIUM} and (consultant_id, period) in told
        if person is None or person["deleted_at"] or consultant_id in doubtful or quiet:
            continue
        said = alert | {"first_name": person["first_name"]}
        said |= {"name": f"{person['first_name']} {person['last_name']}"}
        if group.height > 1:
            said["blocked_amount"] = None
        for command in _reminder(desk, person, said):
            (rows if "kind" in command else holds).append(command)
    return notices(rows, holds)


def _reminder(desk: Desk, person: Row, said: Row) -> Iterator[Row]:
    """The messages of one alert; a hold in the place of one without an address."""
    risk, subject = said["risk"], f"notice/{said['period']}/{person['id']}"
    about = {
        "period": said["period"],
        "level": risk,
        "consultant_id": person["id"],
        "cra_id": said["cra_id"],
        "due_date": said["due_date"],
    }
    to, manager = address(person["email"]), address(said["manager_email"])
    said |= {"reminded": to is not None, "manager_told": manager is not None}
    if to:
        yield desk.email(REMINDER, to, person["id"], subject, about, said)
    else:
        yield _no_address(said, said["cra_id"])
    number = phone(person["phone"])
    if desk.sms and number and risk in {HIGH, CRITICAL}:
        yield _sms(desk, number, person["id"], subject, about, said)
    if risk == CRITICAL:
        level = f"{risk}|{person['id']}"
        if manager:
            told = about | {"level": level}
            yield desk.email(MANAGER, manager, manager.lower(), subject, told, said)
        else:
            yield _no_address(said, said["cra_id"], whose="the manager")


def _sms(desk: Desk, to: str, target: str, subject_id: str, about: Row, said: Row) -> Row:
    payload = {
        "to": to,
        "language": desk.language,
        "refs": {"notice": REMINDER} | about,
        "text": short(REMINDER, desk.language, said),
    }
    key = "|".join([REMINDER, target, about["period"], about["level"]])
    awaits = wants_person(desk.policy, SMS, None)
    return make_command(SMS, target, key, subject_id, payload, awaits=awaits)


def _no_address(row: Mapping[str, Any], cra_id: str | None, whose: str = "the consultant") -> Row:
    return {
        "break_id": f"notice/{row['period']}/{row['consultant_id']}/{whose.rsplit(maxsplit=1)[-1]}",
        "subject": "cra",
        "subject_id": cra_id or row["consultant_id"],
        "code": NO_ADDRESS,
        "severity": "warning",
        "expected": "an e-mail address",
        "actual": "none",
        "detail": f"{whose} cannot be told: BoondManager has no valid address",
    }
