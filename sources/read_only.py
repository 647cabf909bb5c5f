"""What a door says that is read and never written to."""

from collections.abc import Mapping
from typing import Any


class ReadOnly:
    """The writing half of `sources.streams.Door`, of a vendor to which no command goes."""

    async def find(
        self,
        kind: str,
        payload: Mapping[str, Any],  # noqa: ARG002 - as the door has it
    ) -> list[Mapping[str, Any]]:
        """Raises: no command goes to this vendor."""
        raise LookupError(kind)

    async def read(
        self,
        kind: str,
        vendor_id: str,  # noqa: ARG002 - as the door has it
    ) -> Mapping[str, Any] | None:
        """Raises: no command goes to this vendor."""
        raise LookupError(kind)

    async def send(
        self,
        kind: str,
        target: str,  # noqa: ARG002 - as the door has it
        payload: Mapping[str, Any],  # noqa: ARG002 - as the door has it
    ) -> Mapping[str, Any]:
        """Raises: no command goes to this vendor."""
        raise LookupError(kind)

    def differences(
        self,
        kind: str,
        sent: Mapping[str, Any],  # noqa: ARG002 - as the door has it
        held: Mapping[str, Any],  # noqa: ARG002 - as the door has it
    ) -> list[str]:
        """Raises: no command goes to this vendor."""
        raise LookupError(kind)
