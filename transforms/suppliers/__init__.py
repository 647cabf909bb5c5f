"""The supplier side: the three-way match of order, invoice and receipt (reconciliation.md 2)."""
