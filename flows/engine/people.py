"""What people decide: commands approved or rejected, names linked (write-back.md)."""

import getpass
import socket
from collections.abc import Sequence
from decimal import Decimal

from flows.engine.run import Run
from flows.settings import ConfigurationError
from store import decisions


async def decide(run: Run) -> None:
    """Approves or rejects the commands that the run names.

    Raises:
        ConfigurationError: a name is no command that waits for a person.
    """
    ids: Sequence[str] = run.parameters["commands"]
    amount: Decimal | None = run.parameters["amount"]
    with run.warehouse.transaction():
        for name in ids:
            try:
                decisions.decide(
                    run.warehouse,
                    name,
                    run.parameters["decision"],
                    _who(run),
                    run.now(),
                    amount=amount,
                )
            except LookupError as error:
                raise ConfigurationError(str(error.args[0])) from None


async def link_consultant(run: Run) -> None:
    """Remembers whom a declared name means.

    Raises:
        ConfigurationError: no such consultant.
    """
    _must_exist(run, "core.consultants", run.parameters["consultant_id"])
    with run.warehouse.transaction():
        decisions.link_person(
            run.warehouse,
            run.parameters["client_id"],
            run.parameters["declared_name"],
            run.parameters["consultant_id"],
            _who(run) | {"run_id": run.run_id},
            run.now(),
        )


async def link_vendor(run: Run) -> None:
    """Remembers which supplier a Bill.com vendor is.

    Raises:
        ConfigurationError: no such vendor or supplier.
    """
    _must_exist(run, "core.vendors", run.parameters["vendor_id"])
    _must_exist(run, "core.suppliers", run.parameters["supplier_id"])
    with run.warehouse.transaction():
        decisions.link_party(
            run.warehouse,
            run.parameters["vendor_id"],
            run.parameters["supplier_id"],
            _who(run) | {"run_id": run.run_id},
            run.now(),
        )


def _who(run: Run) -> dict[str, str]:
    return {
        "decided_by": run.parameters["by"],
        "os_user": getpass.getuser(),
        "host": socket.gethostname(),
        "reason": run.parameters["reason"],
    }


def _must_exist(run: Run, table: str, id_: str) -> None:
    if not run.warehouse.rows(f"SELECT 1 FROM {table} WHERE id = ?", [id_]):
        raise ConfigurationError(f"{id_} is not in {table}; `rapproche sync` first?")
