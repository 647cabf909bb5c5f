"""Validating and invalidating activity reports (boond-live.md 4).

A report has its own list of who may take the next step, so each write reads the report first. A
workflow may have several steps: ours taken, the report waits for the next validator, and that is
as far as we come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sources import json_text, mapping
from sources.boond_live import jsonapi
from sources.boond_live.access import Access, own
from sources.boond_live.amounts import number
from sources.boond_live.jsonapi import Item
from sources.boond_live.reports import PATH, cra, validations, validator_of
from sources.boond_live.unsendable import after, unsendable
from sources.boond_records import Cra
from sources.errors import Critical, OutcomeUnknown, SourceError
from sources.exchange import path_segment

STEP_TAKEN = "step_taken"
"""Beside the columns of what is held: whether our validator's step of several is behind us."""

_ANYONE = "system_auto_validator"
"""The setting that leaves the choice of the validator to the vendor."""
_WAITING, _VALIDATED, _REJECTED = "waitingForValidation", "validated", "rejected"
_ALLOWED = "expectedvalidatorsallowedfor"
_REASON = "rapproche : les jours ne sont pas ceux que le client a déclarés."


@dataclass(frozen=True)
class _Report:
    """A report, and who may do what with it now."""

    item: Item
    meta: Mapping[str, Any]

    @property
    def state(self) -> Any:
        return self.item.at("state")

    def allowed(self, step: str) -> list[str]:
        """Ids of who may take a step; the key of the list is spelled in more than one way."""
        name = f"{_ALLOWED}{step}"
        lists = [people for key, people in self.meta.items() if key.casefold() == name]
        return [
            str(one["id"])
            for people in lists
            for one in (people if isinstance(people, list) else [])
            if isinstance(one, Mapping) and one.get("id")
        ]

    def validator(self, step: str, wanted: str) -> str:
        """Who takes a step: the one that the settings name, or the first where they name none.

        Raises:
            Validation: nobody may, or not that one.
        """
        allowed = self.allowed(step)
        if wanted in allowed:
            return wanted
        if allowed and wanted == _ANYONE:
            return allowed[0]
        who = f"allowed: {', '.join(allowed)}" if allowed else "nobody is allowed"
        message = (
            f"BOOND_VALIDATOR_ID {wanted} may not {step} the report, which is {self.state}; {who}."
        )
        raise unsendable(f"POST {PATH}/{{id}}/{step}", message)


async def read(access: Access, id_: str) -> Mapping[str, Any] | None:
    """What BoondManager holds of a report, as columns; None where it has none."""
    try:
        report = await _report(access, id_)
    except SourceError as error:
        if error.code == "not_found":
            return None
        raise
    return _held(access, report)


async def validate(access: Access, id_: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Takes our step of validation, unless it is taken.

    Raises:
        Validation: nobody may, or not the one that the settings name; or the report has not the
            `total_days` of the payload any more.
    """
    report = await _report(access, id_)
    if report.state == _VALIDATED or _step_taken(access, report):
        return _held(access, report)
    _as_decided(access, report, payload, "validate")
    validator = report.validator("validate", access.terms.validator_id)
    access.validators[id_] = validator
    return await _step(access, id_, "validate", {"expectedValidator": validator})


async def invalidate(access: Access, id_: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Rejects a report, one that is validated after taking that back; one rejected is left.

    Raises:
        Validation: nobody may, or not the one that the settings name; or the report has not the
            `total_days` of the payload any more.
    """
    report = await _report(access, id_)
    if report.state != _REJECTED:
        _as_decided(access, report, payload, "reject")
    if report.state == _VALIDATED:
        report = await _unvalidated(access, id_, report)
        with after("its validation was taken back"):
            return await _rejected(access, id_, report)
    return await _rejected(access, id_, report)


def _as_decided(access: Access, report: _Report, payload: Mapping[str, Any], step: str) -> None:
    """Refuses a decision on days that the report has not any more: the next run compares anew."""
    decided = payload.get("total_days")
    now = number(cra(report.item, access.dictionary)["totalDays"])
    if decided is not None and now != number(decided):
        said = f"it was decided on {decided} days, and the report has {now} now."
        raise unsendable(f"POST {PATH}/{{id}}/{step}", said)


async def _unvalidated(access: Access, id_: str, report: _Report) -> _Report:
    validator = report.validator("unvalidate", access.terms.validator_id)
    await _step(access, id_, "unvalidate", {"expectedValidator": validator})
    left = await _report(access, id_)
    if left.state == _VALIDATED:
        operation, message = f"POST {PATH}/{{id}}/unvalidate", "it is validated still."
        raise OutcomeUnknown("boond", operation, "unchanged", message)
    return left


async def _rejected(access: Access, id_: str, report: _Report) -> Mapping[str, Any]:
    if report.state == _REJECTED:
        return _held(access, report)
    validator = report.validator("reject", access.terms.validator_id)
    said = {
        "expectedValidator": validator,
        "reason": _REASON,
        "rejectTypeOf": "correctionForAllValidators",
    }
    numbered = said | {"expectedValidator": int(validator)} if validator.isdecimal() else said
    # The vendor's spec asks for the same three in both places.
    return await _step(access, id_, "reject", said, {"data": numbered})


async def _step(
    access: Access, id_: str, step: str, params: Mapping[str, str], body: Any = None
) -> Mapping[str, Any]:
    """One step, answered with the report; nothing is read after it that could fail."""
    served = await access.write("POST", f"{PATH}/{path_segment(id_)}/{step}", body, params)
    return mapping.held_by_vendor(Cra, cra(served, access.dictionary)) | {"id": id_}


async def _report(access: Access, id_: str) -> _Report:
    path = f"{PATH}/{path_segment(id_)}"
    document = json_text.exact((await access.get(path)).body)
    item = jsonapi.item(document)
    if item is None:
        message = "the answer holds no object `data`."
        raise Critical("boond", f"GET {path}", "envelope", message)
    meta = document.get("meta")
    return _Report(own(item, id_, f"GET {path}"), meta if isinstance(meta, Mapping) else {})


def _held(access: Access, report: _Report) -> Mapping[str, Any]:
    columns = mapping.held_by_vendor(Cra, cra(report.item, access.dictionary))
    return columns | {STEP_TAKEN: _step_taken(access, report)}


def _step_taken(access: Access, report: _Report) -> bool:
    """Whether our validator is done with a report that waits for another.

    Where the settings name none, whoever has validated counts: rapproche signs once, and not on
    the next night for the next one too.
    """
    steps = [step for step in validations(report.item) if step.at("state") == _VALIDATED]
    done = {who for who in map(validator_of, steps) if who}
    named = access.validators.get(report.item.id, access.terms.validator_id)
    ours = done if named == _ANYONE else done & {named}
    return report.state == _WAITING and bool(ours) and ours.isdisjoint(report.allowed("validate"))
