"""Commands that cannot be sent as they are: refused here, before anything goes out."""

from sources.errors import Validation


def unsendable(operation: str, message: str) -> Validation:
    """The error of a command that BoondManager could not carry out as it is meant.

    Args:
        operation: the call that is not made, such as `POST /invoices`.
        message: what is wrong with it, and what would help.
    """
    return Validation("boond", operation, "not_sent", message)
