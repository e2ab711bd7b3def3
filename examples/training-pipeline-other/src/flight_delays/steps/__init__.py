"""What the steps of the pipeline run. Every path comes by argument or SM_* variable."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from ..data import DataError


def run(main: Callable[[], None]) -> None:
    """Run a step; bad data ends it with what is wrong and what to do, in one line of its log.

    Raises:
        SystemExit: with code 1, on data that the step cannot work with.
    """
    try:
        main()
    except DataError as error:
        line = f"{'; '.join(str(error).splitlines())}. Next: {error.next_step}"
        # SageMaker shows this file as the failure reason of a training job.
        if "SM_OUTPUT_DIR" in os.environ:
            Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text(line, encoding="utf-8")
        print(line, file=sys.stderr)
        sys.exit(1)
