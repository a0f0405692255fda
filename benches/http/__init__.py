"""The HTTP benches: CovetPy, the floor, nginx and the peers, one after the other on one port.

`run` measures and writes `benches/results/*.json`; `report` turns the newest of them into
`docs/benchmarks.md` and the README's table. Standard library only; the peers live in `.bench/venv`.
"""
