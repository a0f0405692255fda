"""The data of the workloads with rows and with an order. Every app answers these; it must not know any framework."""

ROWS = [
    {
        "id": number,
        "name": f"product number {number}",
        "price": number * 1.25,
        "available": number % 3 != 0,
        "tags": ["tools", "garden"],
    }
    for number in range(1, 51)
]
