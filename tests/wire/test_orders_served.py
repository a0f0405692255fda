"""examples/orders.py over the wire: what docs/handlers.md says of it."""

import json
import re
from pathlib import Path

from tests.wire.connection import Connection
from tests.wire.server_process import running

PAGE = Path(__file__).resolve().parents[2] / "docs" / "handlers.md"
JSON = (("content-type", "application/json"),)


def test_orders_are_made_found_and_refused() -> None:
    with running("examples.orders:main", "--workers", "0") as server, Connection(server.port) as connection:
        body = {"customer": "Jane", "lines": [{"book": 7}], "wrap": "gift", "tip": "0.50"}
        made = connection.ask("POST", "/orders", JSON, json.dumps(body).encode())
        assert made.status == 201
        order = made.json()
        assert order == {**body, "lines": [{"book": 7, "count": 1}], "id": order["id"], "sent_by": ""}
        assert connection.ask("GET", "/orders?wrap=gift&wrap=plain").json() == [order]
        assert connection.ask("GET", "/orders?wrap=plain").json() == []
        assert connection.ask("GET", f"/orders/{order['id']}").json() == order
        assert connection.ask("GET", "/orders/7").status == 422

        refused = connection.ask("POST", "/orders", JSON, b'{"lines": [{"book": 7, "count": 0}]}')
        (shown,) = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
        assert refused.json() == json.loads(shown)
