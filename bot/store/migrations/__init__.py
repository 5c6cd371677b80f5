"""Steps of the schema, one file each, for both engines. A step that was released is never changed."""
