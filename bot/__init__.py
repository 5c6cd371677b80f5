"""The product: domain, application and assembly."""
