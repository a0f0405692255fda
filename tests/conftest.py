"""What tests share is imported as `tests.<topic>.<module>`, from whatever folder pytest was started in."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)
