"""Whose a mail of declared days is (reconciliation.md 1.1).

A mail speaks for the client among whose contacts its sender's address is, else for the one client
to whose contacts alone the sender's domain belongs; the domain of our own managers is no client's,
so that no colleague speaks for one. Any other mail counts for nothing: it becomes
one line that asks for a person (`SENDER_UNKNOWN`) and replaces no declaration.
"""

import json

import polars as pl

from transforms.clients.declared import with_clients
from transforms.declarations.forms import PERIOD_AMBIGUOUS, SENDER_UNKNOWN
from transforms.names import prepared
from transforms.standing import answering
from transforms.words.figures import sentence

PUBLIC_PROVIDERS = frozenset(
    {
        # webmail
        *("gmail.com", "googlemail.com", "outlook.com", "outlook.fr", "hotmail.com", "hotmail.fr"),
        *("live.com", "live.fr", "msn.com", "yahoo.com", "yahoo.fr", "ymail.com", "rocketmail.com"),
        *("icloud.com", "me.com", "mac.com", "aol.com", "aol.fr", "mail.com", "email.com"),
        *("gmx.com", "gmx.fr", "gmx.de", "gmx.net", "web.de", "proton.me", "protonmail.com"),
        *("pm.me", "tutanota.com", "tuta.io", "zoho.com", "yandex.com", "fastmail.com", "hey.com"),
        *("caramail.com", "caramail.fr", "mailo.com", "netcourrier.com", "laposte.net"),
        # access providers
        *("orange.fr", "wanadoo.fr", "free.fr", "freesbee.fr", "aliceadsl.fr", "sfr.fr", "neuf.fr"),
        *(
            "9online.fr",
            "9business.fr",
            "cegetel.net",
            "club-internet.fr",
            "bbox.fr",
            "numericable.fr",
        ),
        *("noos.fr", "voila.fr", "skynet.be", "telenet.be", "bluewin.ch", "t-online.de"),
        *("btinternet.com", "sky.com", "comcast.net", "verizon.net", "att.net"),
    }
)
"""Domains at which anybody gets a mailbox: an address there is a client's, the domain is nobody's.

Kept by hand: the webmail and access providers of France and its neighbours, each by its own offer
of mailboxes. One that is missing matters only where a client's contact writes from it and another
client's does not.
"""

_NO_JSON = (ValueError, TypeError)
_ADDRESSES: dict[str, pl.DataType] = {
    "client_id": pl.String(),
    "deleted_at": pl.Datetime("us", "UTC"),
    "address": pl.String(),
}
_UNREAD = "unreadable"


def believed(
    lines: pl.DataFrame,
    declarations: pl.DataFrame,
    clients: pl.DataFrame,
    contracts: pl.DataFrame,
    consultants: pl.DataFrame,
) -> pl.DataFrame:
    """The declaration lines with mails given to their clients.

    A file that could not be read, or whose sender nobody knows, asks for nobody once it is gone
    from the folder. A line whose month cannot be told asks for nobody once a newer mail of the
    client says the person; until then it stands for the month before its mail.

    Args:
        lines: core.declaration_lines.
        declarations: core.declarations.
        clients: core.clients, with their contacts.
        contracts: core.contracts; a mail's `label` names one by id or reference.
        consultants: core.consultants; their managers are ours.

    Returns:
        The lines, with columns as they came; those of mails name their client by its id.
    """
    of_mails = declarations.filter(pl.col("format") == "mail")
    gone = declarations.filter(pl.col("deleted_at").is_not_null(), pl.col("status") == _UNREAD)
    if of_mails.is_empty() and gone.is_empty():
        return lines
    kept = lines.join(gone, left_on="declaration_id", right_on="id", how="anti")
    spoken = kept.join(of_mails, left_on="declaration_id", right_on="id", how="semi")
    others = kept.join(of_mails, left_on="declaration_id", right_on="id", how="anti")
    meant = senders(of_mails, clients, consultants)
    judged = _judged(_sent(spoken, declarations), of_mails, meant, clients)
    known = _with_named_contract(judged.filter(pl.col("why").is_null()), contracts)
    unknown = _asking(judged.filter(pl.col("why").is_not_null(), pl.col("deleted_at").is_null()))
    if known["problem_code"].eq(PERIOD_AMBIGUOUS).any():
        known = _settled(known, with_clients(_sent(others, declarations), clients))
    return pl.concat(frame.select(lines.columns) for frame in (others, known, unknown))


def senders(
    declarations: pl.DataFrame, clients: pl.DataFrame, consultants: pl.DataFrame
) -> pl.DataFrame:
    """The clients that each mail may speak for.

    Returns:
        `declaration_id`, `own` (client ids, sorted) and `named` (the same in words).
    """
    addresses = _addresses(clients)
    mails = declarations.filter(pl.col("sender_problem").is_null()).select(
        declaration_id="id", address="sender"
    )
    stands = pl.col("deleted_at").is_null()
    by_address = _speaking(mails, addresses.filter(stands), "address")
    left = mails.join(by_address, on="declaration_id", how="anti").with_columns(domain=_domain())
    by_domain = _speaking(left, _lone_domains(addresses, consultants), "domain")
    left = left.join(by_domain, on="declaration_id", how="anti")
    gone = _speaking(left, addresses.filter(~stands), "address")
    names = clients.select(client_id="id", said=sentence("{} ({})", "name", "id"))
    return (
        pl.concat([by_address, by_domain, gone])
        .unique()
        .join(names, on="client_id", how="left")
        .sort("declaration_id", "client_id")
        .group_by("declaration_id", maintain_order=True)
        .agg(own="client_id", named=pl.col("said").str.join(", "))
    )


def _speaking(mails: pl.DataFrame, known: pl.DataFrame, by: str) -> pl.DataFrame:
    return mails.join(known, on=by).select("declaration_id", "client_id")


def _lone_domains(addresses: pl.DataFrame, consultants: pl.DataFrame) -> pl.DataFrame:
    """`domain`, `client_id` of the domains that are one client's, of those that stand first."""
    managers = consultants.select(
        address=pl.col("manager_email").str.to_lowercase().str.strip_chars()
    )
    ours = managers.select(_domain())["domain"].drop_nulls()
    nobodys = sorted(PUBLIC_PROVIDERS.union(ours))
    domains = addresses.select("client_id", "deleted_at", domain=_domain()).filter(
        ~pl.col("domain").is_in(nobodys)
    )
    return answering(domains.unique(), "domain").filter(
        pl.col("client_id").n_unique().over("domain") == 1
    )


def _domain() -> pl.Expr:
    return pl.col("address").str.extract(r"@([^@]+)$").alias("domain")


def _addresses(clients: pl.DataFrame) -> pl.DataFrame:
    """Every contact's address in small letters, by client; a loop over clients, not lines."""
    known = clients.select("id", "deleted_at", "contacts")
    rows = [
        {"client_id": client_id, "deleted_at": deleted_at, "address": address}
        for client_id, deleted_at, contacts in known.iter_rows()
        for address in _written(contacts)
    ]
    return pl.DataFrame(rows, schema=_ADDRESSES, orient="row").unique()


def _written(contacts: str | None) -> list[str]:
    try:
        told = json.loads(contacts or "[]")
    except _NO_JSON:
        return []
    people = told if isinstance(told, list) else []
    said = (one.get("email") for one in people if isinstance(one, dict))
    return [address.strip().lower() for address in said if isinstance(address, str)]


def _judged(
    lines: pl.DataFrame, mails: pl.DataFrame, meant: pl.DataFrame, clients: pl.DataFrame
) -> pl.DataFrame:
    """Adds the mail's columns and `why` no client can be told; the client's id where one is."""
    about = mails.select(
        "sender",
        "sender_problem",
        "deleted_at",
        declaration_id="id",
    )
    named = with_clients(lines.with_columns(pl.col("client").str.strip_chars()), clients)
    joined = named.join(about, on="declaration_id", how="left").join(
        meant, on="declaration_id", how="left"
    )
    own = pl.col("own").fill_null([])
    said = pl.col("client").is_not_null() & (pl.col("client") != "")
    fits = own.list.contains(pl.col("client_id")).fill_null(value=False)
    sender = pl.coalesce("sender", pl.lit("nobody"))
    why = (
        pl.when(pl.col("sender_problem").is_not_null())
        .then("sender_problem")
        .when(own.list.len() == 0)
        .then(sentence("{} is no contact of any client", sender))
        .when(said & ~fits)
        .then(sentence("{} speaks for {}, not for {}", sender, "named", "client"))
        .when(~said & (own.list.len() > 1))
        .then(sentence("{} may speak for {}", sender, "named"))
    )
    client = pl.when(said).then("client_id").otherwise(own.list.first())
    return joined.with_columns(why=why).with_columns(
        client=pl.when(pl.col("why").is_null()).then(client)
    )


def _with_named_contract(lines: pl.DataFrame, contracts: pl.DataFrame) -> pl.DataFrame:
    """The lines with the contract that their label is: the id or reference of one of the client."""
    by_reference = contracts.select("client_id", "reference", "deleted_at", label_id="id")
    by_id = contracts.select("client_id", "deleted_at", reference="id", label_id="id")
    keyed = pl.concat([by_id.select(by_reference.columns), by_reference]).with_columns(
        reference=pl.col("reference").str.to_lowercase()
    )
    meant = (
        answering(keyed, "client_id", "reference")
        .unique(["client_id", "reference"], keep="first", maintain_order=True)
        .select("label_id", client="client_id", label_key="reference")
    )
    return (
        lines.with_columns(label_key=pl.col("label").str.strip_chars().str.to_lowercase())
        .join(meant, on=["client", "label_key"], how="left")
        .with_columns(contract=pl.coalesce("contract", "label_id"))
    )


def _settled(lines: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The lines of no month that a newer one says again are left out; the rest get a month.

    Args:
        lines: of mails of clients, with `sent`.
        others: of files, with `client_id` and `sent`.
    """
    unclear = (pl.col("problem_code") == PERIOD_AMBIGUOUS).fill_null(value=False)
    name = prepared(pl.col("consultant"))
    said = (
        pl.concat(
            frame.filter(pl.col("problem").is_null()).select(
                "sent", who=pl.concat_str(pl.col(client), name, separator="|")
            )
            for frame, client in ((lines, "client"), (others, "client_id"))
        )
        .group_by("who")
        .agg(said_again=pl.col("sent").max())
    )
    newer = (pl.col("said_again") > pl.col("sent")).fill_null(value=False)
    before = pl.col("sent").dt.month_start().dt.offset_by("-1d").dt.strftime("%Y-%m")
    return (
        lines.with_columns(who=pl.concat_str("client", name, separator="|"))
        .join(said, on="who", how="left")
        .filter(~(unclear & newer))
        .with_columns(period=pl.when(unclear).then(before).otherwise("period"))
    )


def _sent(lines: pl.DataFrame, declarations: pl.DataFrame) -> pl.DataFrame:
    files = declarations.select("file_time", declaration_id="id", file_sent="sent_at")
    told = lines.join(files, on="declaration_id", how="left")
    return told.with_columns(sent=pl.coalesce("sent_at", "file_sent", "file_time"))


def _asking(lines: pl.DataFrame) -> pl.DataFrame:
    """One line for each mail and reason: it names neither client nor person, and counts nothing."""
    nothing = ("client", "consultant", "contract", "label", "days", "period")
    return (
        lines.sort("declaration_id", "line_no")
        .group_by("declaration_id", "why", maintain_order=True)
        .agg(
            pl.col("line_no").first(),
            pl.col("currency").drop_nulls().first(),
            pl.col("sent_at", "updated_at", "confidence", "doubt").first(),
            *([pl.col("run_id").first()] if "run_id" in lines.columns else []),
            *(pl.lit(None, dtype=lines.schema[name]).alias(name) for name in nothing),
            amount=pl.when(pl.col("amount").is_not_null().any()).then(pl.col("amount").sum()),
            line_text=pl.col("line_text").str.join(" / ").str.head(500),
            problem_code=pl.lit(SENDER_UNKNOWN),
        )
        .with_columns(problem="why")
    )
