"""What changed after we relied on it: gathered, decided and recorded as breaks of its own."""

import polars as pl

from checks import results
from checks.findings import must_hold
from flows.engine.facts import Gathered
from flows.engine.run import Run
from store import relied_on
from transforms import drift

TABLES = (
    "contract_rates",
    "consultants",
    "purchase_orders",
    "purchase_order_lines",
    "bills",
    "supplier_invoices",
    "client_invoices",
    "clients",
    "contracts",
    "vendors",
    "suppliers",
)


def watch(run: Run, gathered: Gathered, reduced: pl.DataFrame) -> pl.DataFrame:
    """Looks at everything that we relied on, and keeps what moved as holds.

    Call it after both sides were recorded, in the same transaction.

    Args:
        run: the run.
        gathered: what this look stands on.
        reduced: order lines whose receipts were corrected below what was paid of them.

    Returns:
        Rows of recon.holds, one a break, in words that no language changes.
    """
    facts = drift.DriftFacts(
        cra_matches=run.warehouse.table("recon.cra_matches"),
        billed=run.warehouse.table("recon.billing_ledger"),
        validated=relied_on.validated_days(run.warehouse),
        accepted=relied_on.accepted_lines(run.warehouse),
        registered=relied_on.registered_amounts(run.warehouse),
        reduced=reduced,
        invoiced=relied_on.invoiced_totals(run.warehouse),
        **{name: gathered.core(name) for name in TABLES},
    )
    language = run.settings.RAPPROCHE_LANG
    said = must_hold(results.HOLDS, drift.find_drift(facts, language))
    run.warehouse.replace("recon.holds", said, "break_id LIKE 'drift/%'", run_id=run.run_id)
    return said if language == "en" else drift.find_drift(facts, "en")
