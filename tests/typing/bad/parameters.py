"""Wrong markers."""

from covet import Query


def query_default(q: str = Query("q")) -> None: ...  # E: only in Annotated


Query(alias=1)  # E: str
Query("a", "b")  # E: one alias
