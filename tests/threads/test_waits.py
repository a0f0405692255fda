"""Nothing native waits for a lock under which Python code runs: that code may need what the waiting thread holds."""

import subprocess
import sys

import pytest

ENCODING = '''
import threading
from covet.json import Encoder
from dataclasses import dataclass

ready, looking, other_is_done = threading.Event(), threading.Event(), threading.Event()

class Kind(type):
    """Looking at the class lets another thread look at it too."""

    def __getattribute__(cls, name):
        if name == "value" and ready.is_set() and threading.current_thread() is first:
            looking.set()
            assert other_is_done.wait(10)
        return super().__getattribute__(name)

@dataclass
class Thing(metaclass=Kind):
    value: int

codec = Encoder(Thing)
ready.set()
first = threading.Thread(target=lambda: answers.append(codec.encode(Thing(1))), daemon=True)
answers = []
first.start()
assert looking.wait(10)
answers.append(codec.encode(Thing(2)))
other_is_done.set()
first.join(10)
print(answers)
'''

PARTS = """
import threading
from covet import errors
from covet._native import PartReader

class Patient:
    def __init__(self, *args, **kwargs):
        BaseException.__init__(self, *args)
        if not raising.is_set():
            raising.set()
            assert other_is_done.wait(10)

raising, other_is_done = threading.Event(), threading.Event()
reader = PartReader._make(b"multipart/form-data; boundary=b")
errors.BadRequest.__init__ = Patient.__init__
reader.feed(b"no boundary")
reader.feed(b"")
answers = []

def step():
    try:
        reader.step()
    except errors.BadRequest as error:
        answers.append(type(error).__name__)

first = threading.Thread(target=step, daemon=True)
first.start()
assert raising.wait(10)
step()
other_is_done.set()
first.join(10)
print(answers)
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        pytest.param(ENCODING, "[b'{\"value\":2}', b'{\"value\":1}']", id="looking at a class"),
        pytest.param(PARTS, "['BadRequest', 'BadRequest']", id="refusing a form"),
    ],
)
def test_other_threads_go_on(program: str, expected: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout.strip(), done.stderr) == (expected, "")
