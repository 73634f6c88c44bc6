"""What the tests of impromptu.torch share; they run where PyTorch is."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
