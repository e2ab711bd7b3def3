"""Drift: quiet on data like the training data, loud on another season, honest about chance."""

import base64
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from {{ cookiecutter.__package_name }} import capture, data, drift, statistics
from {{ cookiecutter.__package_name }}.steps import drift as step


@pytest.fixture(scope="module")
def summer(all_flights: pd.DataFrame) -> pd.DataFrame:
    return all_flights[all_flights[data.TIME].dt.month.between(5, 8)].reset_index(drop=True)


@pytest.fixture(scope="module")
def winter(all_flights: pd.DataFrame) -> pd.DataFrame:
    return all_flights[all_flights[data.TIME].dt.month.isin([1, 2, 12])].reset_index(drop=True)


@pytest.fixture(scope="module")
def baseline(summer: pd.DataFrame) -> dict[str, Any]:
    # As a job meets it: read back from JSON.
    described: dict[str, Any] = json.loads(json.dumps(statistics.describe(summer.iloc[::2])))
    return described


def psi(findings: list[drift.Finding]) -> dict[str, float]:
    return {finding.feature: finding.psi for finding in findings}


def test_other_flights_of_the_same_days_have_not_drifted(
    baseline: dict[str, Any], summer: pd.DataFrame
) -> None:
    assert max(psi(drift.compare(baseline, summer.iloc[1::2])).values()) < drift.WATCH


def test_winter_is_colder_than_summer(baseline: dict[str, Any], winter: pd.DataFrame) -> None:
    found = drift.compare(baseline, winter)
    assert psi(found)["temp"] > 1
    assert found == sorted(found, key=lambda finding: -finding.psi)
    (temp,) = [finding for finding in found if finding.feature == "temp"]
    assert temp.verdict(drift.DRIFTED) == "drifted"
    assert temp.grew[0].startswith("up to ")
    assert psi(found)["weekday"] < drift.WATCH


def test_values_that_go_missing_and_new_categories_are_seen(
    baseline: dict[str, Any], summer: pd.DataFrame
) -> None:
    odd = summer.assign(pressure=float("nan"), carrier="??")
    found = {finding.feature: finding for finding in drift.compare(baseline, odd)}
    assert found["pressure"].missing[1] == 1
    assert found["pressure"].grew[0] == statistics.MISSING
    assert found["carrier"].grew[0] == statistics.OTHER
    assert min(found["pressure"].psi, found["carrier"].psi) > drift.DRIFTED


def test_a_feature_that_was_always_missing_can_appear(summer: pd.DataFrame) -> None:
    described = statistics.describe(summer.assign(precip=float("nan")))
    found = {finding.feature: finding for finding in drift.compare(described, summer)}
    assert found["precip"].grew[0] == "any"
    assert found["precip"].psi > drift.DRIFTED


def test_what_cannot_be_compared_is_refused(baseline: dict[str, Any], summer: pd.DataFrame) -> None:
    with pytest.raises(data.DataError, match="3 rows are too few"):
        drift.compare(baseline, summer.head(3))
    with pytest.raises(data.DataError, match="other features"):
        drift.compare({**baseline, "features": {"gate": {}}}, summer)


@pytest.fixture
def work(tmp_path: Path, baseline: dict[str, Any]) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "statistics.json").write_text(json.dumps(baseline))
    (tmp_path / "data").mkdir()
    return tmp_path


def arguments(work: Path, **changes: str) -> list[str]:
    options = {"group": "models", "from": "none", "until": "none", "threshold": "0.25"}
    options |= {"namespace": "none", **changes}
    folders = {name: str(work / name) for name in ("data", "model", "drift")}
    return [word for name, value in {**folders, **options}.items() for word in (f"--{name}", value)]


def test_the_step_reports_a_slice_and_says_why_there_is_no_metric(
    work: Path, all_flights: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    all_flights.to_parquet(work / "data" / "flights.parquet")
    step.main(arguments(work, **{"from": "2013-12-01", "until": "2013-12-31"}))
    document = json.loads((work / "drift" / "drift.json").read_text())
    assert "temp" in document["drifted"]
    assert (document["first_day"], document["last_day"]) == ("2013-12-01", "2013-12-31")
    assert "<td>temp<td>" in (work / "drift" / "drift.html").read_text()
    printed = capsys.readouterr().out
    assert "drifted: " in printed
    assert "No CloudWatch metric" in printed


def test_the_metrics_go_to_cloudwatch(
    work: Path, winter: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[str, Any] = {}

    class CloudWatch:
        def put_metric_data(self, **request: Any) -> None:
            sent.update(request)

    monkeypatch.setattr("boto3.client", lambda service: CloudWatch())
    winter.to_parquet(work / "data" / "flights.parquet")
    step.main(arguments(work, namespace="ModelDrift"))
    assert sent["Namespace"] == "ModelDrift"
    values = {metric["MetricName"]: metric["Value"] for metric in sent["MetricData"]}
    assert values["LargestPsi"] > 1
    assert values["Rows"] == len(winter)
    dimensions = [{"Name": "ModelPackageGroup", "Value": "models"}]
    assert all(metric["Dimensions"] == dimensions for metric in sent["MetricData"])


def test_captured_requests_are_compared(work: Path, winter: pd.DataFrame) -> None:
    unlabelled = winter.drop(columns="arr_delay")
    records = unlabelled.iloc[100:].to_json(orient="records", date_format="iso")
    text = unlabelled.iloc[:100].to_csv(index=False)
    requests = [
        (records, "application/json", "JSON"),
        (base64.b64encode(text.encode()).decode(), "text/csv", "BASE64"),
        ("broken", "text/csv", "CSV"),
    ]
    lines = [
        json.dumps(
            {
                "captureData": {
                    "endpointInput": {"data": body, "observedContentType": kind, "encoding": how}
                }
            }
        )
        for body, kind, how in requests
    ]
    folder = work / "data" / "endpoint" / "2013"
    folder.mkdir(parents=True)
    (folder / "capture.jsonl").write_text("\n".join(lines) + "\n")
    step.main(arguments(work))
    assert json.loads((work / "drift" / "drift.json").read_text())["rows"] == len(winter)


def test_capture_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(data.DataError, match="no captured request"):
        capture.read(tmp_path)
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(data.DataError, match=r"x\.jsonl, line 1: not a captured request"):
        capture.read(tmp_path)


def test_nothing_to_compare_with_says_how_to_get_it(work: Path) -> None:
    (work / "model" / "statistics.json").unlink()
    for package, expected in ((None, "no model registered"), ("arn:1", "without statistics")):
        (work / "model" / "champion.json").write_text(json.dumps({"package": package}))
        with pytest.raises(data.DataError, match=expected) as refusal:
            step.main(arguments(work))
        assert "make pipeline" in refusal.value.next_step


def test_a_day_that_is_none_is_refused(work: Path, winter: pd.DataFrame) -> None:
    with pytest.raises(data.DataError, match="'yesterday-ish' is no day"):
        step.between(winter, "yesterday-ish", "none")
