"""Pure decisions: frames in, frames out, the same answer for the same input in any row order."""
