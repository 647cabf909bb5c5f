"""What README.md shows is what a night over the sandbox's default world leaves."""

import asyncio
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from flows import terminal
from flows.engine import report
from flows.engine.run import Outcome, system_clock
from flows.engine.wiring import World as Outside
from flows.settings import Settings
from flows.work import SHOWN, directly
from sandbox.__main__ import settings as reaching
from sandbox.server import Sandbox
from sandbox.world import DEFAULT_AS_OF, World
from store.publishing import read_published
from store.warehouse import Warehouse

pytestmark = pytest.mark.nights

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^```sql\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PRINTED = re.findall(r"^```text demo\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
UNLIMITED = 1_000_000


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings that reach a sandbox in process, with a folder of their own."""
    folder = tmp_path_factory.mktemp("readme")
    reached = reaching(Sandbox(World.build()), "http://127.0.0.1")
    pairs = dict(line.split("=", 1) for line in reached.splitlines())
    return Settings(
        **pairs,  # type: ignore[arg-type]
        WAREHOUSE_PATH=folder / "data" / "rapproche.duckdb",
        DECLARATIONS_DIR=folder / "declarations",
        POLICY_FILE=ROOT / "policy.toml",
        BOOND_REQUESTS_PER_MINUTE=UNLIMITED,
        BOOND_BURST_PER_SECOND=UNLIMITED,
    )


@pytest.fixture(scope="module")
def night(settings: Settings) -> Outcome:
    """One night that writes back, in process."""
    sandbox = Sandbox(World.build())
    sandbox.world.write_declarations(settings.DECLARATIONS_DIR)
    outside = Outside(system_clock, transport=sandbox.transport())
    asked = {"period": None, "as_of": DEFAULT_AS_OF, "apply": True}
    return asyncio.run(directly("nightly", settings, outside, **asked))


@pytest.fixture(scope="module")
def published(settings: Settings, night: Outcome) -> Iterator[Warehouse]:
    """What that night published."""
    assert night.exit_code in {0, 1}, night.reasons
    with read_published(settings.WAREHOUSE_PATH) as warehouse:
        yield warehouse


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.splitlines()[0][:60])
def test_each_query_answers(published: Warehouse, query: str) -> None:
    """Each SQL block runs and has rows, unless it says that it may have none."""
    rows = published.frame(query)
    assert rows.height > 0 or "-- may be empty" in query


def test_there_are_queries_and_an_excerpt() -> None:
    """The blocks that the other tests read are found."""
    assert len(QUERIES) >= 5
    assert len(PRINTED) == 1


def test_the_demo_prints_what_the_excerpt_shows(published: Warehouse) -> None:
    """Each line of the excerpt stands in the English tables of a night, figures included."""
    out = io.StringIO()
    console = Console(file=out, width=terminal.PIPED_WIDTH)
    tables: list[report.Table] = [build(published) for build in SHOWN["nightly"]]
    for table in tables:
        terminal.show(console, table, "en")
    shown = {_squeezed(line) for line in out.getvalue().splitlines()}
    excerpt = {_squeezed(line) for line in PRINTED[0].splitlines()} - {"", "…"}
    assert excerpt - shown == set()


def _squeezed(line: str) -> str:
    return " ".join(line.replace("─", "").split())
