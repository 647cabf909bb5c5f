"""BoondManager, dialect live: JSON:API read into the records of `sources.boond_records`."""
