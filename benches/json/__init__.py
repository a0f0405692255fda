"""JSON on its own: encoding and decoding in one process, against orjson, msgspec, pydantic and the standard library."""
