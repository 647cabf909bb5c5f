"""Commands that cannot be sent as they are: refused here, before anything goes out."""

from collections.abc import Iterator
from contextlib import contextmanager

from sources.boond_live.access import Access
from sources.errors import SourceError, Transient, Validation


def unsendable(operation: str, message: str) -> Validation:
    """The error of a command that BoondManager could not carry out as it is meant.

    Args:
        operation: the call that is not made, such as `POST /invoices`.
        message: what is wrong with it, and what would help.
    """
    return Validation("boond", operation, "not_sent", message)


@contextmanager
def after(done: str) -> Iterator[None]:
    """Has an error of a later call say what the earlier ones of a command have changed."""
    try:
        yield
    except SourceError as error:
        if done:
            error.message = f"{done}, and then: {error.message}"
        raise


def unknown(access: Access, operation: str, path: str, what: str) -> SourceError:
    """The error of a command about what a list does not have.

    Args:
        access: to the tenant.
        operation: the call that is not made.
        path: the list, such as `/projects`; one that ended short proves no absence.
        what: such as `project 8`.
    """
    if access.missing(path):
        return Transient("boond", f"GET {path}", "short", f"it ends short, and lacks {what}.")
    return unsendable(operation, f"there is no {what}.")
