"""One sync of the CRAs in a process of its own: ours, or a bare loop that checks nothing.

`python -m tests.benchmarks.cra_sync ours|bare URL FOLDER` prints seconds, peak memory and totals.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import httpx
from pydantic import SecretStr
from rich.console import Console

from flows.engine.direct import Direct
from flows.engine.pull import pull
from flows.engine.run import system_clock
from flows.engine.wiring import World, open_run
from flows.settings import Settings

PAGE_SIZE = 500
_UNLIMITED = 1_000_000
_PATHS = {
    "id": "$.id",
    "consultant_id": "$.consultant.id",
    "first_name": "$.consultant.firstName",
    "last_name": "$.consultant.lastName",
    "mission_id": "$.resource.id",
    "mission": "$.resource.label",
    "client_id": "$.client.id",
    "contract_id": "$.contract.id",
    "start_date": "$.period.startDate",
    "end_date": "$.period.endDate",
    "due_date": "$.dueDate",
    "total_days": "$.totalDays",
    "status": "$.status",
    "updated_at": "$.updatedAt",
}
_TABLES = """
CREATE TABLE cras (id VARCHAR, consultant_id VARCHAR, first_name VARCHAR, last_name VARCHAR,
    mission_id VARCHAR, mission VARCHAR, client_id VARCHAR, contract_id VARCHAR, start_date DATE,
    end_date DATE, due_date DATE, total_days DECIMAL(9,4), status VARCHAR, updated_at TIMESTAMPTZ);
CREATE TABLE cra_days (cra_id VARCHAR, date DATE, duration DECIMAL(9,4), type_code VARCHAR,
    comment VARCHAR);
"""
_PAGE = (
    "CREATE OR REPLACE TEMP TABLE page AS SELECT unnest(json_extract(?::JSON, '$.data[*]')) AS r"
)
_HEADS = (
    f"INSERT INTO cras SELECT {', '.join(f'v[{at}]' for at, _ in enumerate(_PATHS, 1))}"
    f" FROM (SELECT json_extract_string(r, {list(_PATHS.values())}) AS v FROM page)"
)
_DAYS = (
    "INSERT INTO cra_days SELECT id, a.date, a.duration, a.typeCode, a.comment FROM (SELECT"
    " r->>'$.id' AS id, unnest(from_json(r->'$.activities', '[{\"date\":\"DATE\","
    '"duration":"DECIMAL(9,4)","typeCode":"VARCHAR","comment":"VARCHAR"}]\')) AS a FROM page)'
)
_TOTALS = "SELECT count(*), sum(duration)::VARCHAR FROM {}cra_days"


def bare(url: str, folder: Path) -> dict[str, Any]:
    """Pages of httpx straight into two typed tables."""
    began = time.perf_counter()
    with httpx.Client() as client, duckdb.connect(folder / "bare.duckdb") as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(_TABLES)
        number, rows = 1, PAGE_SIZE
        while rows == PAGE_SIZE:
            asked = {"page": number, "maxResults": PAGE_SIZE}
            served = client.get(f"{url}/api/v3/crm/activities", params=asked)
            con.execute(_PAGE, [served.text])
            rows = con.execute(_HEADS).fetchall()[0][0]
            con.execute(_DAYS)
            number += 1
        con.execute("CHECKPOINT")
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "totals": con.execute(_TOTALS.format("")).fetchall()[0]}


async def ours(url: str, folder: Path) -> dict[str, Any]:
    """The stream `boond.cras` as a night reads it, checks and history included."""
    settings = Settings(
        _env_file=None,
        WAREHOUSE_PATH=folder / "ours.duckdb",
        BOOND_BASE_URL=f"{url}/api/v3",
        BOOND_AUTH_URL=f"{url}/oauth/token",
        BOOND_CLIENT_ID="bench",
        BOOND_CLIENT_SECRET=SecretStr("bench"),
        BOOND_REQUESTS_PER_MINUTE=_UNLIMITED,
        BOOND_BURST_PER_SECOND=_UNLIMITED,
    )
    with Direct(folder / "artifacts", Console(stderr=True)) as driver:
        async with open_run("sync", settings, driver, World(system_clock)) as run:
            door = run.doors["boond"]
            began = time.perf_counter()
            await pull(run, door, door.streams["cras"], full=True)
            run.warehouse.execute("CHECKPOINT")
            seconds = time.perf_counter() - began
            return {
                "seconds": seconds,
                "totals": run.warehouse.rows(_TOTALS.format("core."))[0],
                "kept": run.warehouse.rows("SELECT count(*) FROM raw.boond_cras")[0][0],
            }


def main() -> None:
    """Prints the figures as one JSON object."""
    which, url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    figures = asyncio.run(ours(url, folder)) if which == "ours" else bare(url, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(figures | {"peak_mb": peak}) + "\n")


if __name__ == "__main__":
    main()
