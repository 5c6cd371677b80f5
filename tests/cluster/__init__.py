"""The cluster side: parsing, the wire, watches, steps."""
