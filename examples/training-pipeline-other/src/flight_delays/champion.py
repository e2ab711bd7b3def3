"""The model that a new one has to beat, run with the code that it was registered with."""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from .data import TARGET_SOURCE, DataError
from .problem import Values

FILE = "champion.json"
# A process of its own: the champion's package has the name of this one, and other contents.
PROGRAM = """
import sys
from pathlib import Path
folder, source, target = sys.argv[1:]
sys.path.insert(0, folder + "/code")
import numpy as np
import inference
flights = inference.input_fn(Path(source).read_text("utf-8"), "text/csv")
np.save(target, inference.predict_fn(flights, inference.model_fn(folder)))
"""


def unpack(archive: Path, folder: Path) -> None:
    """Extract a model archive of this project into `folder`."""
    with tarfile.open(archive) as opened:
        # Python 3.11.0 to 3.11.3 have no filters; the archive is our own.
        opened.extraction_filter = getattr(tarfile, "data_filter", None)
        opened.extractall(folder)


def predictions(archive: Path, flights: pd.DataFrame) -> Values:
    """Return the champion's prediction per flight.

    Args:
        archive: its model.tar.gz.
        flights: labelled or not; the champion does not see the outcome.

    Raises:
        DataError: it cannot score the flights, with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "flights.csv"), Path(folder, "predictions.npy")
        unpack(archive, Path(folder, "model"))
        flights.drop(columns=TARGET_SOURCE, errors="ignore").to_csv(source, index=False)
        finished = subprocess.run(
            [sys.executable, "-c", PROGRAM, f"{folder}/model", str(source), str(target)],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            print(finished.stderr)
            said = (finished.stderr.strip().splitlines() or ["nothing"])[-1]
            raise DataError(
                f"the champion cannot score the test data; it said: {said}",
                next_step="if data or libraries have changed on purpose, start the pipeline "
                "with the parameter Champion=none",
            )
        found = np.asarray(np.load(target), dtype=np.float64)
    if len(found) != len(flights):
        raise DataError(
            f"the champion gave {len(found)} predictions for {len(flights)} flights",
            next_step="start the pipeline with the parameter Champion=none",
        )
    return found
