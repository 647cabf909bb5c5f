"""One door a vendor: streams said as data, record models, the write calls; the HTTP seam."""

CONNECTIONS = 40
"""Connections to one vendor at once: twice what a run asks for together (DETAILS_AT_ONCE)."""
TRIPS = 5
"""Failures in a row after which a vendor is left alone for a while (boond.md)."""
