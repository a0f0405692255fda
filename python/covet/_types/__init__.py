"""The typed engine's Python half: annotations become a tree of nodes, which the native half compiles once.

`nodes` is the tree, and the contract with the native half. Startup only: no request runs code of this package.
"""
