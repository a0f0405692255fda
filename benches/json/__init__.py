"""JSON on its own: beside orjson, msgspec and pydantic, in one process."""
