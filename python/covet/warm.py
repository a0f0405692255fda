"""A worker that has paid for its imports and waits for the word to start: `python -m covet.warm`.

`covet run --reload` keeps one ready, so that what a save costs is the application's own imports. Knows nothing of the
application until then.
"""

import os
import signal
import sys


def main(arguments: list[str]) -> int:
    """`arguments`: the pipe with the word, then those of a worker. The pipe ends without a word: nothing to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it reaches the whole group; the parent decides
    word = int(arguments[0])
    os.set_inheritable(word, False)
    import covet
    from covet import worker

    for name in covet.__all__:  # they are loaded when they are named
        getattr(covet, name)
    if not os.read(word, 1):
        return 0
    os.close(word)
    return worker.main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
