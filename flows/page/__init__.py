"""The month on one page: what it says, where each number comes from, and how it looks."""
