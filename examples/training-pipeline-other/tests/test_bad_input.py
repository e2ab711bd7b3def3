"""Bad input ends the step with what is wrong and what to do, and nothing is registered."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from flight_delays import data
from flight_delays.steps import preprocess, run

ROOT = Path(__file__).resolve().parent.parent
Break = Callable[[pd.DataFrame], pd.DataFrame]
AFTER = pd.Timestamp("2013-11-15T00:00Z")
CASES: dict[str, tuple[Break, str]] = {
    "missing column": (lambda f: f.drop(columns="dest"), "'dest': missing"),
    "unknown column": (lambda f: f.assign(gate="A1"), "'gate': not in the contract"),
    "known too late": (lambda f: f.assign(dep_delay=1.0), "known only after departure"),
    "text for a number": (lambda f: f.assign(distance="far"), "'distance': expected number"),
    "number for a text": (lambda f: f.assign(carrier=1), "'carrier': expected text"),
    "no rows": (lambda f: f.iloc[:0], "no rows"),
    "no outcome": (lambda f: f.assign(arr_delay=float("nan")), "'arr_delay': "),
    "no carrier": (lambda f: f.assign(carrier=pd.Series(dtype=object)), "'carrier': "),
    "infinite": (lambda f: f.assign(temp=float("inf")), "'temp': holds infinite"),
    "one outcome": (lambda f: f.assign(arr_delay=0.0), "train part"),
    "one outcome in the test days": (
        lambda f: f.assign(arr_delay=f["arr_delay"].where(f[data.TIME] < AFTER, 0.0)).loc[
            lambda g: (g[data.TIME].dt.month < 8) | (g[data.TIME] >= AFTER)
        ],
        "test part",
    ),
    "one day": (lambda f: f.head(20), "too few to split"),
}


def preprocessing(folder: Path) -> Callable[[], None]:
    names = ("raw", "train", "validation", "test", "statistics")
    arguments = [word for name in names for word in (f"--{name}", str(folder / name))]
    return lambda: preprocess.main(arguments)


@pytest.mark.parametrize("case", CASES)
def test_the_step_ends_with_the_problem_and_the_fix(
    flights: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    change, expected = CASES[case]
    (tmp_path / "raw").mkdir()
    change(flights).to_parquet(tmp_path / "raw" / "flights.parquet")
    with pytest.raises(SystemExit) as end:
        run(preprocessing(tmp_path))
    assert end.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line
    assert "Next: " in line
    assert [path.name for path in tmp_path.iterdir()] == ["raw"], "half a result was written"


def test_unknown_categories_and_missing_weather_are_no_reason_to_stop(
    flights: pd.DataFrame, tmp_path: Path
) -> None:
    odd = flights.assign(wind_speed=float("nan"))
    odd.loc[odd.index[-300:], "carrier"] = "??"
    (tmp_path / "raw").mkdir()
    odd.to_parquet(tmp_path / "raw" / "flights.parquet")
    run(preprocessing(tmp_path))
    assert (pd.read_parquet(tmp_path / "test")["carrier"] == "??").any()


def test_a_training_job_leaves_the_reason_where_sagemaker_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise data.DataError("column a: missing\ncolumn b: missing")

    monkeypatch.setenv("SM_OUTPUT_DIR", str(tmp_path))
    with pytest.raises(SystemExit):
        run(fail)
    reason = (tmp_path / "failure").read_text()
    assert reason.startswith("column a: missing; column b: missing. Next: correct the data")


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", "flights.parquet: not readable"), (None, "no .parquet file")],
    ids=["empty file", "empty folder"],
)
def test_a_run_names_step_log_and_fix_and_registers_nothing(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    (tmp_path / "data" / "bad").mkdir(parents=True)
    if content is None:
        (tmp_path / "data" / "bad" / "README.txt").write_text("no flights")
    else:
        (tmp_path / "data" / "bad" / "flights.parquet").write_bytes(content)
    command = [sys.executable, "-m", "pipelines.local", "run", "--store", str(tmp_path / "work")]
    command += ["--mount", f"s3://local/data={tmp_path / 'data'}"]
    finished = subprocess.run(
        [*command, "-p", "InputDataUrl=s3://local/data/bad"],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("COV_")},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = finished.stdout + finished.stderr
    assert finished.returncode == 1, printed
    assert "Preprocess" in printed
    assert expected in printed
    assert "Next: " in printed
    assert "log.txt" in printed
    assert not list((tmp_path / "work").glob("registry/*/*.json"))
