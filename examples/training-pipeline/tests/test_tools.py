"""The commands of the Makefile: data, template, hooks, versions."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tools import data, hooks, template, versions


def test_flights_get_the_weather_of_the_hour_before() -> None:
    flights = pd.DataFrame(
        {
            "time_hour": ["2013-06-01T12:00:00Z", "2013-06-01T12:00:00Z"],
            "hour": [8, 8],
            "minute": [15, 30],
            "sched_arr_time": [1030, 1100],
            "carrier": ["UA", "AA"],
            "flight": [1, 2],
            "origin": ["EWR", "EWR"],
            "dest": ["IAH", "MIA"],
            "distance": [1400, 1085],
            "arr_delay": [20.0, None],
        }
    )
    weather = pd.DataFrame(
        {
            "origin": ["EWR", "EWR"],
            "time_hour": ["2013-06-01T11:00:00Z", "2013-06-01T12:00:00Z"],
            **{name: [1.0, 2.0] for name in data.WEATHER},
        }
    )
    joined = data.join(flights, weather)
    assert len(joined) == 1, "a flight that never arrived has no outcome to learn from"
    assert joined["temp"].item() == 1.0
    assert joined["scheduled_departure"].item() == pd.Timestamp("2013-06-01T12:15Z")


def test_the_sample_keeps_months_and_the_share_of_late_flights(flights: pd.DataFrame) -> None:
    drawn = data.sample(flights, rows=1000)
    assert abs(len(drawn) - 1000) <= 24
    assert drawn.equals(data.sample(flights, rows=1000))
    share = (drawn["arr_delay"] > 15).mean() - (flights["arr_delay"] > 15).mean()
    assert abs(share) < 0.01
    assert drawn["scheduled_departure"].dt.month.nunique() == 12


def test_data_without_the_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="make data-full"):
        data.main(["full"])
    with pytest.raises(SystemExit, match="usage"):
        data.main(["half"])


def test_both_data_sets_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "package"
    source.mkdir()
    hours = pd.date_range("2013-01-01T10:00Z", periods=48, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ")
    pd.DataFrame(
        {
            "time_hour": hours,
            "hour": 5,
            "minute": 0,
            "sched_arr_time": 800,
            "carrier": "UA",
            "flight": range(48),
            "origin": "EWR",
            "dest": "IAH",
            "distance": 1400,
            "arr_delay": range(48),
        }
    ).to_csv(source / "flights.csv.zip", index=False)
    pd.DataFrame({"origin": "EWR", "time_hour": hours, **dict.fromkeys(data.WEATHER, 1.0)}).to_csv(
        source / "weather.csv", index=False
    )
    monkeypatch.setattr(data, "package_folder", lambda: source)
    monkeypatch.setattr(data, "ROOT", tmp_path)
    for name in ("full", "sample"):
        assert data.main([name]) == 0
        assert len(pd.read_parquet(tmp_path / "data" / name)) == 48


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / "pyproject.toml").write_text(
        '[tool.template]\nname = "training-pipeline"\nversion = "0.1.0"\n'
        '[tool.template.answers]\nproject_name = "Demo"\n'
    )
    monkeypatch.setattr(template, "ROOT", root)
    return root


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def record(repository: Path, *, commit: str, source: str, name: str = "training-pipeline") -> None:
    text = f"_commit: {commit}\n_src_path: {source}\ntemplate: {name}\n"
    (repository / template.ANSWERS_FILE).write_text(text)


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    folder = tmp_path / "catalog"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--allow-empty", "--message", "first")
    for tag in ("v1.0.0", "v1.10.0", "v1.9.0", "not-a-release"):
        git(folder, "tag", tag)
    return folder


def test_status_names_newer_releases_in_order(
    repository: Path, catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(repository, commit="v1.0.0", source=str(catalog))
    assert template.main(["status"]) == 0
    assert "newer: v1.9.0, v1.10.0" in capsys.readouterr().out


def test_status_of_the_newest_release(
    repository: Path, catalog: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(repository, commit="v1.10.0", source=str(catalog))
    assert template.main(["status"]) == 0
    assert "newest" in capsys.readouterr().out


def test_a_repository_without_answers_is_told_how_to_adopt_one(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert template.main(["status"]) == 1
    assert "make template-adopt" in capsys.readouterr().err


def test_an_unreachable_catalog_is_named(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(repository, commit="v1.0.0", source=str(tmp_path / "gone"))
    assert template.main(["status"]) == 1
    assert "Cannot read the releases" in capsys.readouterr().err


def test_an_update_never_switches_the_template(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(repository, commit="v1.0.0", source="x")
    assert template.main(["update", "--answer", "template=other"]) == 1
    record(repository, commit="v1.0.0", source="x", name="other")
    assert template.main(["update"]) == 1
    assert capsys.readouterr().err.count("would delete its files") == 2


class Copier:
    """Stands in for the copier command: writes what it is told to."""

    def __init__(self, root: Path, *, code: int = 0) -> None:
        self.root, self.code = root, code
        self.commands: list[list[str]] = []

    def __call__(self, arguments: list[str]) -> subprocess.CompletedProcess[bytes]:
        self.commands.append(arguments)
        if arguments[0] == "copy" and not self.code:
            (Path(arguments[-1]) / template.ANSWERS_FILE).write_text("_commit: v1.0.0\n")
        return subprocess.CompletedProcess(arguments, self.code)


def test_an_update_reports_conflicts_and_fails(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git(repository, "init", "--quiet")
    record(repository, commit="v1.0.0", source="x")
    monkeypatch.setattr(template, "_copier", Copier(repository))
    assert template.main(["update", "--to", "v1.1.0", "--answer", "ci=github"]) == 0
    monkeypatch.setattr(template, "_git", lambda *arguments: "README.md\n")
    assert template.main(["update"]) == 1
    assert "README.md" in capsys.readouterr().out


def test_a_refusal_of_copier_is_passed_on(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(repository, commit="v1.0.0", source="x")
    monkeypatch.setattr(template, "_copier", Copier(repository, code=4))
    assert template.main(["update"]) == 1
    assert template.main(["adopt", "--source", "x", "--tag", "v1.0.0"]) == 1


def test_adopting_writes_the_answers_file(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copier = Copier(repository)
    monkeypatch.setattr(template, "_copier", copier)
    assert template.main(["adopt", "--source", "x", "--tag", "v1.0.0"]) == 0
    assert (repository / template.ANSWERS_FILE).read_text() == "_commit: v1.0.0\n"
    assert "project_name=Demo" in copier.commands[0]
    assert template.main(["adopt", "--source", "", "--tag", ""]) == 1


def test_hooks_are_skipped_outside_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hooks, "ROOT", tmp_path)
    assert hooks.main() == 0
    assert "git init" in capsys.readouterr().out


def test_hooks_run_in_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet")
    monkeypatch.setattr(hooks, "ROOT", tmp_path)
    assert hooks.main() != 0, "a repository without hook configuration must not pass"


def test_differences_from_the_image_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(versions, "IMAGE", {"pandas": "0.1"})
    assert versions.main() == 0
    assert "0.1 in the SageMaker image" in capsys.readouterr().out
