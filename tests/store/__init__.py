"""The store on both engines: a real SQLite file, and a real PostgreSQL."""
