"""What CovetPy costs, measured: every published number has its script here."""
