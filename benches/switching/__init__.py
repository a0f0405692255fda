"""What `switch_interval` costs and gives: run it with `python -m benches.switching.run`."""
