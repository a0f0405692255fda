"""Hostile input for typed decoding: `check` is the claim, `__main__` the fuzzer, the corpus is replayed by a test."""
