"""The data contract: what is refused, and how time splits the flights."""

from pathlib import Path

import pandas as pd
import pytest

from flight_delays import data


def test_the_sample_keeps_the_contract(flights: pd.DataFrame) -> None:
    data.check(flights)


@pytest.mark.parametrize("column", sorted(data.KNOWN_ONLY_AFTER_DEPARTURE))
def test_what_is_known_only_after_departure_is_refused(flights: pd.DataFrame, column: str) -> None:
    with pytest.raises(data.DataError, match=f"{column}.*known only after departure"):
        data.check(flights.assign(**{column: 1.0}))


def test_every_problem_is_named_at_once(flights: pd.DataFrame) -> None:
    broken = flights.drop(columns="distance").assign(carrier=1, surprise="x", dep_delay=3.0)
    with pytest.raises(data.DataError) as refusal:
        data.check(broken)
    for expected in ("'distance': missing", "'carrier': expected text", "'surprise'", "dep_delay"):
        assert expected in str(refusal.value)


def test_missing_weather_is_accepted_and_a_missing_target_is_not(flights: pd.DataFrame) -> None:
    data.check(flights.assign(pressure=float("nan")))
    flights.loc[0, "arr_delay"] = float("nan")
    with pytest.raises(data.DataError, match=f"'arr_delay': 1 of {len(flights)}"):
        data.check(flights)


def test_flights_to_predict_must_not_carry_the_answer(flights: pd.DataFrame) -> None:
    with pytest.raises(data.DataError, match="arr_delay"):
        data.check(flights, labelled=False)
    data.check(flights.drop(columns="arr_delay"), labelled=False)


def test_an_empty_table_is_refused(flights: pd.DataFrame) -> None:
    with pytest.raises(data.DataError, match="no rows"):
        data.check(flights.iloc[:0])


def test_times_without_zone_are_refused(flights: pd.DataFrame) -> None:
    naive = flights.assign(scheduled_departure=flights[data.TIME].dt.tz_localize(None))
    with pytest.raises(data.DataError, match="expected timestamp"):
        data.check(naive)


def test_a_folder_without_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(data.DataError, match=r"no \.parquet file"):
        data.read(tmp_path)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "half.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(data.DataError, match=r"half\.parquet: not readable"):
        data.read(tmp_path)


def test_all_files_of_a_folder_are_read(tmp_path: Path, flights: pd.DataFrame) -> None:
    flights.iloc[:10].to_parquet(tmp_path / "a.parquet")
    flights.iloc[10:30].to_parquet(tmp_path / "b.parquet")
    assert len(data.read(tmp_path)) == 30


def test_the_split_follows_time_and_shares_no_day(flights: pd.DataFrame) -> None:
    split = data.split_by_time(flights.sample(frac=1, random_state=1))
    days = [
        set(part[data.TIME].dt.floor("D")) for part in (split.train, split.validation, split.test)
    ]
    assert max(days[0]) < min(days[1])
    assert max(days[1]) < min(days[2])
    assert len(split.train) + len(split.validation) + len(split.test) == len(flights)


def test_too_few_days_cannot_be_split(flights: pd.DataFrame) -> None:
    one_day = flights[flights[data.TIME].dt.floor("D") == flights[data.TIME].dt.floor("D")[0]]
    with pytest.raises(data.DataError, match="too few"):
        data.split_by_time(one_day)
