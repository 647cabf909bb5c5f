"""The only room that speaks DuckDB: the working file, loading, the outbox, publishing."""
