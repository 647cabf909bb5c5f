"""What is told to whom: mails, reminders and drafts, rendered from templates."""
