"""What clients send, read line by line: files, workbooks and mails (reconciliation.md 1, 1.3)."""
