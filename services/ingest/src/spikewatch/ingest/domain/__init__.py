"""What ingest knows, free of I/O: seals, ids, records, feeds, revisions and receipts."""
