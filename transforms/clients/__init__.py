"""The client side: declared days against CRAs, and what is billed of them (reconciliation.md 1)."""
