"""What validators do to activity reports over the live API (boond-live.md 4)."""

import re
from http import HTTPStatus

import httpx

from sandbox.boond_live_bodies import Schema, is_number, is_strict
from sandbox.boond_live_reports import Report, allowed, detail, first_step, needs_two, report_of
from sandbox.boond_live_wire import (
    WRONG_ATTRIBUTE,
    Json,
    Tenant,
    absent,
    incomplete,
    refused,
    wrong,
)
from sandbox.wire import body_of

Match = re.Match[str]

REPORT = Schema("timesreport")
REJECTION = ("expectedValidator", "reason", "rejectTypeOf")
REJECTIONS = ("correctionForPreviousValidator", "correctionForAllValidators", "definitiveRefusal")


def validate(tenant: Tenant, match: Match, request: httpx.Request) -> Json:
    """Validates a report, or takes the first of two steps.

    Raises:
        LiveRefusal: 404, or 422 when the validator is missing, not allowed, or the month closed.
    """
    report = _report(tenant, match, request)
    validator = _validator(tenant, report, "Validate", request)
    if needs_two(tenant, report) and first_step(tenant, report) is None:
        _write(tenant, report)
        tenant.half_validated[report.id] = (validator, report.updated_at)
        return detail(tenant, report)
    for cra in report.cras:
        cra.status, cra.validator, cra.validated_at = "validated", validator, tenant.world.now()
    _write(tenant, report)
    return detail(tenant, report)


def unvalidate(tenant: Tenant, match: Match, request: httpx.Request) -> Json:
    """Takes a validation back: the report waits again, for all steps.

    Raises:
        LiveRefusal: as for `validate`.
    """
    report = _report(tenant, match, request)
    _validator(tenant, report, "Unvalidate", request)
    _reopen(tenant, report, "submitted")
    return detail(tenant, report)


def reject(tenant: Tenant, match: Match, request: httpx.Request) -> Json:
    """Rejects a report that waits; what is asked stands in the query and in the body.

    Raises:
        LiveRefusal: as for `validate`, or 422 when either place says too little, or another thing.
    """
    report = _report(tenant, match, request)
    validator = _validator(tenant, report, "Reject", request)
    _check_rejection(request, validator)
    _reopen(tenant, report, "invalidated")
    return detail(tenant, report)


def write_report(tenant: Tenant, match: Match, request: httpx.Request) -> Json:
    """Takes a body for a report and leaves its state as it is: that is never writable.

    Raises:
        LiveRefusal: 404, or 403 for anything that this stand-in does not let be written.
    """
    report = _report(tenant, match, request)
    sent = REPORT.sent(request, report.id)
    if sent.attributes.keys() - {"state"}:
        raise refused(HTTPStatus.FORBIDDEN, "403", "403 - Days are written by consultants")
    return detail(tenant, report)


def _report(tenant: Tenant, match: Match, request: httpx.Request) -> Report:
    report = report_of(tenant, match[1])
    if report is None:
        raise absent(request)
    return report


def _validator(tenant: Tenant, report: Report, what: str, request: httpx.Request) -> str:
    """Returns who decides, when they may."""
    validator: str | None = request.url.params.get("expectedValidator")
    if not validator:
        raise incomplete("expectedValidator")
    if report.term in tenant.closed_terms:
        detail_ = "1002 - The activity report is closed"
        raise refused(HTTPStatus.UNPROCESSABLE_ENTITY, WRONG_ATTRIBUTE, detail_)
    if validator not in {who["id"] for who in allowed(tenant, report, what)}:
        raise wrong("expectedValidator")
    return validator


def _check_rejection(request: httpx.Request, validator: str) -> None:
    query, body = request.url.params, body_of(request)
    data = body.get("data")
    if not isinstance(data, dict):
        raise incomplete("/data")
    lacking = [name for name in REJECTION if not query.get(name)]
    lacking += [f"/data/{name}" for name in REJECTION if not data.get(name)]
    if lacking:
        raise incomplete(*lacking)
    surplus = [f"/{name}" for name in sorted(body.keys() - {"data"})]
    surplus += [f"/data/{name}" for name in sorted(data.keys() - set(REJECTION))]
    if surplus and is_strict(request):
        raise wrong(*surplus)
    if query["rejectTypeOf"] not in REJECTIONS:
        raise wrong("rejectTypeOf")
    if not is_number(data["expectedValidator"]) or str(data["expectedValidator"]) != validator:
        raise wrong("/data/expectedValidator")
    other = [f"/data/{name}" for name in REJECTION[1:] if data[name] != query[name]]
    if other:
        raise wrong(*other)


def _reopen(tenant: Tenant, report: Report, status: str) -> None:
    tenant.half_validated.pop(report.id, None)
    for cra in report.cras:
        cra.status, cra.validator, cra.validated_at = status, None, None
    _write(tenant, report)


def _write(tenant: Tenant, report: Report) -> None:
    for cra in report.cras:
        tenant.world.touch(cra)
        tenant.world.wrote("boond", "cras.update", cra)
