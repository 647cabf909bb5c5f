"""One comparison over large facts in a process of its own: ours, or a hand-written SQL.

`python -m tests.benchmarks.matching clients|suppliers ours|sql` prints seconds, peak memory and
totals of what was decided.
"""

import json
import resource
import sys
import time
from dataclasses import fields
from datetime import date
from typing import Any

import duckdb
import polars as pl

from tests.benchmarks import big_facts, matching_sql
from transforms.clients.cra_matching import match_cras
from transforms.policy import Policy
from transforms.suppliers.po_matching import match_bills

_SINCE, _AS_OF = date(2025, 3, 1), date(2026, 12, 15)


def by_sql(facts: Any, query: str, totals: str) -> dict[str, Any]:
    """The SQL over the frames of the facts, with the defaults of DuckDB."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        began = time.perf_counter()
        for field in fields(facts):
            table = getattr(facts, field.name)
            if isinstance(table, pl.DataFrame):
                con.register(field.name, table)
        con.execute(query)
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "totals": con.execute(totals).fetchall()}


def clients(facts: Any) -> dict[str, Any]:
    """`match_cras`: pairing, comparison, holds, words."""
    began = time.perf_counter()
    said = match_cras(facts, periods=big_facts.PERIODS, policy=Policy())
    seconds = time.perf_counter() - began
    figures = ("declared_days", "cra_days", "difference_days", "difference_amount")
    return {"seconds": seconds, "totals": _totals(said.matches, "outcome", figures)}


def suppliers(facts: Any) -> dict[str, Any]:
    """`match_bills`: pairing, receipts, holds, words, consumption."""
    began = time.perf_counter()
    said = match_bills(facts, as_of=_AS_OF, since=_SINCE, policy=Policy(), currency="EUR")
    seconds = time.perf_counter() - began
    figures = ("matchable_qty", "proven_amount", "accepted_amount")
    consumed = said.consumption
    rows = _totals(said.matches, "status", figures)
    rows.append(["consumed", consumed.height, _text(consumed["quantity"]), None, None])
    return {"seconds": seconds, "totals": sorted(rows)}


def _totals(matches: pl.DataFrame, by: str, figures: tuple[str, ...]) -> list[list[Any]]:
    return [
        [name, rows.height, *(_text(rows[figure]) for figure in figures)]
        for (name,), rows in sorted(matches.partition_by(by, as_dict=True).items())
    ]


def _text(figures: pl.Series) -> str | None:
    return None if figures.null_count() == len(figures) else str(figures.sum())


def main() -> None:
    """Prints the figures as one JSON object."""
    side, which = sys.argv[1], sys.argv[2]
    facts = big_facts.client_facts() if side == "clients" else big_facts.supplier_facts()
    if which == "sql":
        name = "CLIENT" if side == "clients" else "SUPPLIER"
        figures = by_sql(
            facts, getattr(matching_sql, name), getattr(matching_sql, f"{name}_TOTALS")
        )
    else:
        figures = clients(facts) if side == "clients" else suppliers(facts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(figures | {"peak_mb": peak}) + "\n")


if __name__ == "__main__":
    main()
