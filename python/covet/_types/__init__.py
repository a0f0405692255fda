"""The typed engine's Python half: annotations become a tree of nodes, which the native half compiles once.

`nodes` is the tree, and the contract with the native half. `reading` makes it: `scope` resolves names, `scalars`,
`enums`, `containers`, `unions`, `objects` and the files of each kind of class know what a type means, `metadata` and
`constraints` what stands beside it. `json_schema` reads it. Startup only: no request runs code of this package.
"""
