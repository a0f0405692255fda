"""How soon a saved file is answered from: run it with `python -m benches.reload.run`."""
