"""The tests of the documents read figures as the tests of the figures do."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "figures"))
