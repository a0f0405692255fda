"""The event loop on its own, without a server: `python -m benches.loop.run`."""
