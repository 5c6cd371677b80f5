"""Pictures of what people see, for eyes and for the README; made by `make gallery` and `make pictures`."""
