"""People, companies, contracts and purchase orders of BoondManager live: the oddities."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sources.errors import Transient
from tests.sources.boond_live_tenant import Tenant, document, records_of, rows_of, thing

_SEPTEMBER = "2026-09-20T09:00:00+0200"
_OCTOBER = "2026-10-05T09:00:00+0200"
_NOVEMBER = "2026-11-02T09:00:00+0100"
_SINCE = datetime(2026, 11, 1, 23, 0, tzinfo=UTC)
_LICENCE = {"errors": [{"detail": "Potential missing contractual feature(s)"}]}


def _person(id_: str, kind: int = 0, manager: str | None = None, **more: Any) -> Any:
    related = {"mainManager": ("resource", manager) if manager else None}
    return thing("resource", id_, related, typeOf=kind, firstName=f"P{id_}", **more)


def _people(*persons: Any, tabs: dict[str, Any] | None = None) -> Tenant:
    held = {f"/resources/{one['id']}/information": document(one) for one in persons}
    return Tenant({"/resources": list(persons), **held, **(tabs or {})})


def _company(id_: str, state: int, updated: str = _SEPTEMBER, **more: Any) -> Any:
    return thing("company", id_, name=f"C{id_}", state=state, updateDate=updated, **more)


def _contact(id_: str, company: str, updated: str = _SEPTEMBER, **more: Any) -> Any:
    return thing("contact", id_, {"company": ("company", company)}, updateDate=updated, **more)


def _companies(*companies: Any, contacts: tuple[Any, ...] = (), **lists: list[Any]) -> Tenant:
    held: dict[str, Any] = {"/companies": list(companies), "/contacts": list(contacts)}
    for one in companies:
        held[f"/companies/{one['id']}/information"] = document(one)
        own = [c for c in contacts if c["relationships"]["company"]["data"]["id"] == one["id"]]
        held[f"/companies/{one['id']}/contacts"] = own
    named = {f"/{name}": rows for name, rows in lists.items()}
    return Tenant({"/projects": [], "/purchases": [], "/resources": [], **held, **named})


def _delivery(id_: str, project: str, who: tuple[str, str], price: Any = 500, **more: Any) -> Any:
    made = thing("delivery", id_, {"project": ("project", project), "dependsOn": who})
    made["attributes"] = {"averageDailyPriceExcludingTax": price, **more}
    person = thing("resource", who[1], firstName="Ana", lastName="Roy", title="Dev")
    return made | {"_included": [person | {"attributes": person["attributes"] | {"salary": 9}}]}


def _sold(*deliveries: Any, **project: Any) -> Tenant:
    known = {"state": 1, "startDate": "2026-01-01", "currency": 0, **project}
    made = thing("project", "5", {"company": ("company", "1")}, **known)
    return Tenant({"/projects": [made], "/deliveries-groupments": list(deliveries)})


def _bought(*deliveries: Any, relations: dict[str, Any], **attributes: Any) -> Tenant:
    tenant = _sold(*deliveries, endDate="2026-12-31")
    related = {"company": ("company", "9"), **relations}
    known = {"state": 1, "amountExcludingTax": 400, "quantity": 20, **attributes}
    tenant.holds["/purchases"] = [thing("purchase", "88", related, **known)]
    return tenant


async def test_an_external_is_asked_for_their_company() -> None:
    """The administrative tab is read of externals alone, and tells their supplier."""
    tab = document(thing("resource", "8", {"providerCompany": ("company", "9")}))
    tenant = _people(_person("7"), _person("8", 1), tabs={"/resources/8/administrative": tab})
    seven, eight = await records_of(tenant.door(), "consultants")
    assert (seven["typeResource"], "supplier" in seven) == ("employee", False)
    assert (eight["typeResource"], eight["supplier"]) == ("external", {"id": "9"})
    assert tenant.asked("/resources/7/administrative") == []


async def test_an_administrative_tab_that_is_refused_costs_the_supplier_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A user without a right to HR data still gets the consultants, and it is said."""
    refused = httpx.Response(403, json=_LICENCE)
    tenant = _people(_person("8", 1), tabs={"/resources/8/administrative": refused})
    (eight,) = await records_of(tenant.door(), "consultants")
    assert (eight["typeResource"], "supplier" in eight) == ("external", False)
    assert "not shown to us" in caplog.text


async def test_a_manager_is_asked_for_once() -> None:
    """The email of a manager is read once, however many they manage; one who is gone has none."""
    boss = {"/resources/2/information": document(_person("2", email1="boss@esn.example"))}
    tenant = _people(_person("7", 0, "2"), _person("8", 0, "2"), _person("9", 0, "3"), tabs=boss)
    managers = [one["manager"] for one in await records_of(tenant.door(), "consultants")]
    assert managers == [{"id": "2", "email": "boss@esn.example"}] * 2 + [{"id": "3"}]
    assert len(tenant.asked("/resources/2/information")) == 1


async def test_a_corrected_word_is_a_new_version() -> None:
    """What the policy says of a type is in the version: a full crawl then composes persons anew."""
    updated = {"updateDate": _SEPTEMBER}
    tenant = _people(_person("7", 5, **updated))
    (said,) = await rows_of(tenant.door(), "consultants")
    overruled = tenant.door(states={"resource type": {"5": "external"}})
    (corrected,) = await rows_of(overruled, "consultants")
    assert said["version"] != corrected["version"]
    assert said["updatedAt"] == corrected["updatedAt"]


async def test_an_unknown_type_of_person_is_told() -> None:
    """A type that the dictionary does not name stands in the record as what it is."""
    (seven,) = await records_of(_people(_person("7", 5)).door(), "consultants")
    assert seven["typeResource"] == "unknown type 5"


async def test_the_state_says_what_a_company_is() -> None:
    """Clients and suppliers are told apart by the label of their state; a prospect is neither."""
    tenant = _companies(_company("1", 1), _company("9", 9), _company("3", 0), _company("4", 8))
    door = tenant.door()
    clients = {row["id"]: row["archived"] for row in await rows_of(door, "clients")}
    suppliers = {row["id"]: row["archived"] for row in await rows_of(door, "suppliers")}
    assert clients == {"1": False, "4": True}
    assert suppliers == {"9": False, "4": True}


async def test_a_company_is_what_others_use_it_as() -> None:
    """A company that a purchase names is a supplier too, one that a project names a client."""
    tenant = _companies(
        _company("1", 1),
        _company("3", 0),
        projects=[thing("project", "5", {"company": ("company", "3")})],
        purchases=[thing("purchase", "8", {"company": ("company", "1")})],
    )
    door = tenant.door()
    assert {row["id"] for row in await rows_of(door, "clients")} == {"1", "3"}
    assert {row["id"] for row in await rows_of(door, "suppliers")} == {"1"}


async def test_the_company_of_an_external_is_a_supplier() -> None:
    """A company that an external consultant was seen to belong to is a supplier."""
    tenant = _companies(_company("3", 0))
    tab = document(thing("resource", "8", {"providerCompany": ("company", "3")}))
    tenant.holds |= _people(_person("8", 1), tabs={"/resources/8/administrative": tab}).holds
    door = tenant.door()
    await records_of(door, "consultants")
    assert [row["id"] for row in await rows_of(door, "suppliers")] == ["3"]
    tenant.holds["/companies"] = []
    since = await rows_of(door, "suppliers", since=_SINCE)
    assert [row["id"] for row in since] == ["3"]


async def test_a_whole_crawl_knows_the_companies_of_externals_that_did_not_change() -> None:
    """Consultants whose files are not read again still name their suppliers; internals do not."""
    tenant = _companies(_company("3", 0), _company("4", 0))
    tab = document(thing("resource", "8", {"providerCompany": ("company", "3")}))
    tabs = {"/resources/8/administrative": tab}
    tenant.holds |= _people(_person("7"), _person("8", 1), tabs=tabs).holds
    door = tenant.door()
    for _ in range(2):
        assert [row["id"] for row in await rows_of(door, "suppliers")] == ["3"]
    assert len(tenant.asked("/resources/8/administrative")) == 1


async def test_a_changed_contact_is_a_version_of_its_client() -> None:
    """The version of a client is the last change of it or of a contact; suppliers know none."""
    contacts = (_contact("11", "1", _OCTOBER), _contact("91", "9", _OCTOBER))
    door = _companies(_company("1", 1), _company("9", 9), contacts=contacts).door()
    (client,) = await rows_of(door, "clients")
    (supplier,) = await rows_of(door, "suppliers")
    assert client["version"].startswith("2026-10-05T09:00:00+02:00 ")
    assert client["updatedAt"] == "2026-09-20T09:00:00+02:00"
    assert supplier["version"].startswith("2026-09-20T09:00:00+02:00 ")


async def test_a_client_that_only_its_contact_changed_is_read_again() -> None:
    """The company of a changed contact is told, and not as one that changed before it was asked."""
    tenant = _companies(_company("1", 1), _company("3", 0))
    listed = {"/companies": [], "/contacts": [_contact("11", "1", _NOVEMBER)]}
    listed["/contacts"].append(_contact("31", "3", _NOVEMBER))
    tenant.holds |= listed
    (row,) = await rows_of(tenant.door(), "clients", since=_SINCE)
    assert row.keys() == {"id", "version", "archived"}
    assert (row["id"], row["version"][:19]) == ("1", "2026-11-02T09:00:00")


async def test_a_company_that_was_just_bought_from_is_a_new_supplier() -> None:
    """A purchase since the last look makes its company a supplier, though that did not change."""
    bought = {"updateDate": _NOVEMBER}
    named = [thing("purchase", "8", {"company": ("company", "3")}, **bought)]
    tenant = _companies(_company("3", 0), purchases=named)
    tenant.holds["/companies"] = []
    rows = await rows_of(tenant.door(), "suppliers", since=_SINCE)
    assert [row["id"] for row in rows] == ["3"]


async def test_a_short_list_of_companies_is_not_filled_up_by_others() -> None:
    """Companies that a change of others brings do not stand for those that were not served."""
    named = [thing("project", "5", {"company": ("company", "3")}, updateDate=_NOVEMBER)]
    tenant = _companies(_company("3", 0), projects=named)
    tenant.holds["/companies"] = []
    tenant.totals = {"/companies": 1}
    pages = [page async for page in tenant.door().pages("clients", since=_SINCE)]
    assert [id_ for page in pages for id_ in page.ids] == ["3"]
    assert max(page.total_rows or 0 for page in pages) == 2


async def test_a_short_list_of_contacts_reaches_the_flow() -> None:
    """Contacts that were stated and not served keep the cursor of clients where it is."""
    tenant = _companies(_company("1", 1), contacts=(_contact("11", "1"),))
    tenant.totals = {"/contacts": 3}
    pages = [page async for page in tenant.door().pages("clients")]
    assert max(page.total_rows or 0 for page in pages) == 3


@pytest.mark.parametrize(
    ("function", "role"),
    [
        ("Comptabilité fournisseurs", "billing"),
        ("Facturation", "billing"),
        ("Accounts payable", "billing"),
        ("Directrice des Achats", "purchasing"),
        ("DSI", "dsi"),
        ("", None),
    ],
)
async def test_the_function_of_a_contact_is_its_role(function: str, role: str | None) -> None:
    """Who is billed and who buys is read from the words of a contact's function."""
    contact = _contact("11", "1", firstName="", lastName="Roy", function=function)
    (client,) = await records_of(
        _companies(_company("1", 1), contacts=(contact,)).door(), "clients"
    )
    assert client["contacts"] == [{"name": "Roy", **({"role": role} if role else {})}]


async def test_only_the_deliveries_of_persons_give_rates() -> None:
    """A product, a groupment, a forecast and what has no price give no rate; in order of ids."""
    tenant = _sold(
        _delivery("10", "5", ("resource", "8"), 600.5),
        _delivery("9", "5", ("resource", "7")),
        _delivery("11", "5", ("product", "1")),
        _delivery("12", "5", ("resource", "6"), 0),
        _delivery("13", "5", ("resource", "6"), None),
        _delivery("14", "4", ("resource", "6")),
        _delivery("15", "5", ("resource", "6"), state=1),
    )
    (contract,) = await rows_of(tenant.door(), "contracts")
    said = [(rate["consultant"]["id"], str(rate["dailyRate"])) for rate in contract["rates"]]
    assert said == [("7", "500"), ("8", "600.5")]
    assert contract["rates"][0] == {
        "profile": "Dev",
        "dailyRate": 500,
        "currency": "EUR",
        "consultant": {"id": "7"},
    }


async def test_two_prices_of_one_person_are_dated() -> None:
    """A person with several deliveries has rates with dates; one without end has none."""
    first = _delivery("9", "5", ("resource", "7"), startDate="2026-01-01", endDate="2026-06-30")
    then = _delivery("10", "5", ("resource", "7"), 550, startDate="2026-07-01", endDate="")
    (contract,) = await rows_of(_sold(first, then).door(), "contracts")
    dates = [(rate["startDate"], rate.get("endDate")) for rate in contract["rates"]]
    assert dates == [("2026-01-01", "2026-06-30"), ("2026-07-01", None)]


@pytest.mark.parametrize(("state", "status"), [(0, "ended"), (1, "active"), (7, "unknown state 7")])
async def test_the_state_of_a_project_says_whether_it_ended(state: int, status: str) -> None:
    """A project is ended where its label says so; a state without a label is told as it is."""
    (contract,) = await rows_of(_sold(state=state).door(), "contracts")
    assert contract["status"] == status


async def test_contracts_without_some_rates_are_not_told() -> None:
    """Deliveries that ended short make no contract with fewer rates: the stream is read later."""
    tenant = _sold(_delivery("9", "5", ("resource", "7")))
    tenant.totals = {"/deliveries-groupments": 4}
    with pytest.raises(Transient, match="1 of 4"):
        await rows_of(tenant.door(), "contracts")


async def test_a_purchase_that_lost_its_project_is_an_order_no_more() -> None:
    """Asked for by its id, it is told as one that is not there: nothing is matched with it."""
    tenant = _bought(relations={})
    assert await tenant.door().one("purchase_orders", "88") is None


async def test_orders_without_their_deliveries_are_not_told() -> None:
    """A purchase whose delivery was not served is no order without dates: it is read later."""
    tenant = _bought(relations={"delivery": ("delivery", "9")})
    tenant.totals = {"/deliveries-groupments": 1}
    with pytest.raises(Transient, match="0 of 1"):
        await rows_of(tenant.door(), "purchase_orders")


async def test_a_groupment_hides_no_delivery_of_the_same_number() -> None:
    """Both stand in one list; the ids of one kind are not those of the other."""
    group = thing("groupment", "9", {"project": ("project", "5")})
    (contract,) = await rows_of(
        _sold(_delivery("9", "5", ("resource", "7")), group).door(), "contracts"
    )
    assert [rate["consultant"]["id"] for rate in contract["rates"]] == ["7"]


async def test_joined_lists_are_read_once_and_again_for_the_next_pull() -> None:
    """What streams join is read once for all of them, and anew when one is pulled again."""
    tenant = _bought(relations={"project": ("project", "5")})
    door = tenant.door()
    for stream in ("contracts", "purchase_orders", "contracts"):
        await rows_of(door, stream)
    asked = [len(tenant.asked(path)) for path in ("/projects", "/deliveries-groupments")]
    assert asked == [2, 2]
    assert len(tenant.asked("/purchases")) == 1


async def test_an_order_has_the_dates_and_the_person_of_its_delivery() -> None:
    """The delivery of a purchase dates it and names the person."""
    who = _delivery("9", "5", ("resource", "7"), startDate="2026-03-01", endDate="2026-03-31")
    tenant = _bought(who, relations={"delivery": ("delivery", "9")})
    (order,) = await rows_of(tenant.door(), "purchase_orders")
    assert (order["startDate"], order["endDate"]) == ("2026-03-01", "2026-03-31")
    assert order["lines"] == [
        {"consultant": "Ana Roy", "consultantId": "7", "dailyRate": 400, "estimatedDays": 20}
    ]


@pytest.mark.parametrize(
    ("relations", "dates"),
    [
        ({"project": ("project", "5")}, ("2026-01-01", "2026-12-31")),
        ({"project": ("project", "5"), "delivery": ("delivery", "99")}, (None, None)),
    ],
)
async def test_an_order_is_dated_by_its_project_only_without_a_delivery(
    relations: dict[str, Any], dates: tuple[str | None, str | None]
) -> None:
    """A delivery that is named and not served leaves an order undated, so that it is refused."""
    (order,) = await rows_of(_bought(relations=relations).door(), "purchase_orders")
    assert (order.get("startDate"), order.get("endDate")) == dates


@pytest.mark.parametrize(
    "purchase",
    [{"relations": {}}, {"relations": {"project": ("project", "5")}, "subscription": 1}],
    ids=["of no project", "by the month"],
)
async def test_what_orders_no_days_is_no_purchase_order(
    purchase: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A purchase for no project, or by the month, is left out, and it is said how many are."""
    caplog.set_level("INFO")
    assert await rows_of(_bought(**purchase).door(), "purchase_orders") == []
    assert "order no days left out=1" in caplog.text


async def test_what_is_kept_of_a_contract_has_no_hr_data() -> None:
    """What stands under `served` of joined records is freed of what is paid to a person."""
    tenant = _sold(_delivery("9", "5", ("resource", "7"), averageDailyCost=321.99))
    (contract,) = await rows_of(tenant.door(), "contracts")
    assert contract["served"]["deliveries"][0]["attributes"] == {
        "averageDailyPriceExcludingTax": 500
    }
