"""The training command of the tests: one JSON argument. A file, because distributed training runs it once more."""

import json
import sys

from regulens.core.errors import InputError
from regulens.training.assay import train_assay
from regulens.training.settings import TrainingSettings

if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    arguments["training"] = TrainingSettings(**arguments["training"])
    try:
        train_assay(**arguments)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
