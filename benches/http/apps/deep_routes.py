"""The paths of the routing workloads: one route, or a thousand with the asked one last.

`BENCH_ROUTES=1000` in the environment registers all of them. Every app asks this module, so that all of
them route the same table; it must not know any framework.
"""

import os

ASKED = "/v9/areas/9/shops/9/items/{id}"
TABLE = [
    f"/v{version}/areas/{area}/shops/{shop}/items/{{id}}"
    for version in range(10)
    for area in range(10)
    for shop in range(10)
]


def paths() -> list[str]:
    """The route templates to register, the asked one last."""
    return TABLE if os.environ.get("BENCH_ROUTES") == "1000" else [ASKED]
