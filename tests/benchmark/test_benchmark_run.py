"""Running a matrix: several at once, failures, interruptions, resuming. Commands are stand-ins."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from mixednoise.benchmark import run as runs
from mixednoise.benchmark.processes import Running, locked, start
from mixednoise.benchmark.run import run_benchmark
from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.progress import Silent

MATRIX = """
seeds = [0]
[data.a]
path = "a.csv"
[noise.none]
[noise.mixed]
mis_h = 0.4
[methods.cross_entropy]
[methods.cross_entropy_single]
"""
#: Leaves what a finished command leaves; methods named in `bad` fail.
STAND_IN = """
import json, pathlib, sys
words = sys.argv[1:]
out = pathlib.Path(words[words.index("--out") + 1])
with open({calls!r}, "a") as file:
    file.write(json.dumps(words) + chr(10))
out.mkdir(parents=True, exist_ok=True)
if words[0] == "train":
    (out / "config.yaml").touch()
    if words[words.index("--method") + 1] in {bad!r}:
        sys.exit("out of luck")
    metrics = dict.fromkeys(
        ["macro_f1", "balanced_accuracy", "accuracy", "macro_auc", "ece"], 0.5) | dict(qwk=None)
    (out / "metrics.json").write_text(json.dumps(dict(
        last=metrics, best=metrics, best_epoch=1, separation=None, seconds=3.0)))
    (out / "history.csv").write_text("epoch,val_macro_f1" + chr(10) + "1,0.25" + chr(10))
"""


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Runs the matrix with stand-ins; gives the outcome, and the commands so far."""
    (tmp_path / "a.csv").touch()
    matrix, calls = tmp_path / "matrix.toml", tmp_path / "calls.txt"
    matrix.write_text(MATRIX)

    def go(bad=(), text=MATRIX, look=lambda *_: None, **wishes):
        matrix.write_text(text)
        script = STAND_IN.format(calls=str(calls), bad=tuple(bad))

        def start_stand_in(words, log, **_):
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as out:
                process = subprocess.Popen(
                    [sys.executable, "-c", script, *words], stdout=out, stderr=out
                )
            return Running(process, log)

        monkeypatch.setattr(runs, "check_data", look)  # a.csv is empty
        monkeypatch.setattr(runs, "start", start_stand_in)
        monkeypatch.setattr(runs, "POLL_SECONDS", 0.01)
        calls.touch()
        wishes = {"progress": Silent()} | wishes
        outcome = run_benchmark(matrix, tmp_path / "out", **wishes)
        done = [json.loads(line) for line in calls.read_text().splitlines()]
        calls.unlink()
        return outcome, done

    go.out = tmp_path / "out"
    return go


def commands(done):
    return sorted(words[0] for words in done)


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_cell_is_run_once_and_data_is_made_once(bench, jobs):
    outcome, done = bench(jobs=jobs)
    assert commands(done) == ["corrupt", "train", "train", "train", "train"]
    rows = pd.read_csv(bench.out / "rows.csv")
    assert len(rows) == 4
    assert rows.columns[:4].tolist() == ["method", "data", "noise", "seed"]
    assert {"macro_f1_last", "macro_f1_best", "seconds", "peak_memory_mb", "command"} <= set(rows)
    assert (rows.peak_memory_mb > 1).all()
    assert (rows.val_macro_f1_best == 0.25).all()
    assert (bench.out / "table.md").read_text() == outcome.table
    assert (bench.out / "comparison.png").stat().st_size > 1000


def test_a_failure_stops_no_other_and_is_tried_again(bench):
    outcome, done = bench(bad=["cross_entropy"])
    assert sorted(outcome.failed) == ["a/mixed/cross_entropy/0", "a/none/cross_entropy/0"]
    assert "out of luck" in outcome.failed["a/none/cross_entropy/0"]
    assert outcome.rows.method.tolist() == ["cross_entropy_single"] * 2
    outcome, done = bench()
    assert not outcome.failed
    assert commands(done) == ["train", "train"]
    assert all("--resume" in words for words in done)
    assert len(outcome.rows) == 4


def test_a_part_is_run_and_the_rows_of_the_others_stay(bench):
    bench(only=["none"])
    outcome, done = bench(only=["mixed/cross_entropy/"])
    assert commands(done) == ["corrupt", "train"]
    assert len(outcome.rows) == 3


def test_rows_of_another_day_are_not_run_again(bench, tmp_path):
    bench(only=["none", "mixed/cross_entropy/"])
    kept = tmp_path / "kept.csv"
    kept.write_text((bench.out / "rows.csv").read_text())
    before = pd.read_csv(kept, keep_default_na=False)
    shutil.rmtree(bench.out)
    outcome, done = bench(rows=[kept])
    assert commands(done) == ["corrupt", "train"]
    assert done[1][done[1].index("--method") + 1] == "cross_entropy_single"
    assert len(outcome.rows) == 4
    after = pd.read_csv(bench.out / "rows.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(after[:3], before)


def test_rows_of_other_commands_do_not_count(bench, tmp_path):
    bench()
    kept = tmp_path / "kept.csv"
    kept.write_text((bench.out / "rows.csv").read_text().replace("--mis-h 0.4", "--mis-h 0.3"))
    shutil.rmtree(bench.out)
    heard = []
    progress = Silent()
    progress.warning = heard.append
    _, done = bench(rows=[kept], progress=progress)
    assert commands(done) == ["corrupt", "train", "train"]
    assert "a/mixed/cross_entropy/0" in heard[0]


def test_rows_count_wherever_their_files_lay(bench, tmp_path):
    bench()
    kept = tmp_path / "kept.csv"
    kept.write_text((bench.out / "rows.csv").read_text().replace(str(tmp_path), "elsewhere"))
    shutil.rmtree(bench.out)
    outcome, done = bench(rows=[kept])
    assert not done
    assert len(outcome.rows) == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "nothing there"), ("method,data\n", "no column noise"), ("", "No columns")],
)
def test_a_file_without_rows_is_refused(bench, tmp_path, text, words):
    kept = tmp_path / "kept.csv"
    if text is not None:
        kept.write_text(text)
    with pytest.raises(ConfigError, match=words):
        bench(rows=[kept])


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("qwk_last", "kappa", "no column qwk_last"),
        (",3.0,", ",three,", "seconds 'three' in row 1"),
        ("mixednoise train", "'mixednoise train", "in row 1"),
        (",none,0,", ",none,0.5,", "seed"),
    ],
)
def test_damaged_rows_are_refused(bench, tmp_path, old, new, found):
    bench(only=["none"])
    kept = tmp_path / "kept.csv"
    text = (bench.out / "rows.csv").read_text()
    kept.write_text(text.replace(old, new))
    assert kept.read_text() != text
    with pytest.raises(ConfigError, match="no rows of a benchmark") as told:
        bench(rows=[kept])
    assert found in str(told.value)


def test_seeds_that_another_program_has_written_as_decimals_are_understood(bench, tmp_path):
    bench()
    kept = tmp_path / "kept.csv"
    rows = pd.read_csv(bench.out / "rows.csv", keep_default_na=False)
    rows.assign(seed=0.0).to_csv(kept, index=False)
    shutil.rmtree(bench.out)
    assert not bench(rows=[kept])[1]


def test_a_run_of_another_command_is_refused_or_repeated(bench):
    bench(only=["cross_entropy/0"])
    changed = MATRIX.replace("mis_h = 0.4", "mis_h = 0.3")
    with pytest.raises(RunError, match="another command") as told:
        bench(text=changed)
    assert "--overwrite" in str(told.value)
    _, done = bench(text=changed, overwrite=True)
    # the clean run stays; noisy data and what was learned from it are made anew
    assert commands(done) == ["corrupt", "train", "train", "train"]


def test_nothing_is_removed_before_the_data_were_looked_at(bench):
    bench()

    def damaged(*_):
        raise DataError("no data", expected="data", found="none", fix="bring data")

    there = sorted(bench.out.rglob("*"))
    with pytest.raises(DataError):
        bench(text=MATRIX.replace("mis_h = 0.4", "mis_h = 0.3"), overwrite=True, look=damaged)
    assert sorted(bench.out.rglob("*")) == there


def test_rows_of_runs_that_are_made_anew_are_not_missed(bench):
    bench()
    _, done = bench(text=MATRIX.replace("mis_h = 0.4", "mis_h = 0.3"), overwrite=True)
    assert commands(done) == ["corrupt", "train", "train"]
    assert not list(bench.out.glob("rows-*.csv"))


def test_runs_of_another_command_that_are_not_asked_for_do_not_count(bench):
    bench(only=["mixed/cross_entropy/"])
    heard = []
    progress = Silent()
    progress.warning = heard.append
    changed = MATRIX.replace("mis_h = 0.4", "mis_h = 0.3")
    outcome, _ = bench(text=changed, only=["none"], progress=progress)
    assert set(outcome.rows.noise) == {"none"}
    assert "a/mixed/cross_entropy/0" in heard[0]


def test_a_folder_that_moved_or_is_spelled_otherwise_is_known_again(bench, tmp_path, monkeypatch):
    bench()
    (tmp_path / "elsewhere").mkdir()
    shutil.move(bench.out, tmp_path / "elsewhere" / "out")
    monkeypatch.chdir(tmp_path / "elsewhere")
    outcome = run_benchmark(Path("../matrix.toml"), Path("out"), root=Path(".."), progress=Silent())
    assert len(outcome.rows) == 4
    assert not (tmp_path / "calls.txt").exists()


def test_an_unfinished_run_of_another_command_is_refused_or_begun_anew(bench):
    outcome, _ = bench(bad=["cross_entropy", "cross_entropy_single"], only=["none"])
    assert len(outcome.failed) == 2
    changed = MATRIX + "epochs = 3\n"
    with pytest.raises(RunError, match="another command"):
        bench(text=changed, only=["none"])
    _, done = bench(text=changed, only=["none"], overwrite=True)
    resumed = {words[words.index("--method") + 1]: "--resume" in words for words in done}
    assert resumed == {"cross_entropy": True, "cross_entropy_single": False}


def test_measured_rows_are_kept_when_their_runs_are_gone(bench, tmp_path):
    bench()
    before = (bench.out / "rows.csv").read_bytes()
    shutil.rmtree(bench.out / "runs")
    heard = []
    progress = Silent()
    progress.warning = heard.append
    bench(dry=True, progress=progress)
    (copy,) = bench.out.glob("rows-*.csv")
    assert copy.read_bytes() == before
    assert str(copy) in heard[0]
    outcome, done = bench(rows=[copy])
    assert not done
    assert len(outcome.rows) == 4


@pytest.mark.parametrize("name", ["rows.csv", "table.md", "comparison.png"])
def test_files_of_others_are_not_replaced(bench, tmp_path, name):
    bench.out.mkdir()
    (bench.out / name).write_text("mine")
    with pytest.raises(RunError, match="would be replaced"):
        bench()
    assert [path.name for path in bench.out.iterdir()] == [name]
    assert (bench.out / name).read_text() == "mine"


def test_the_command_of_a_row_repeats_its_run_in_folders_of_its_own(bench):
    outcome, _ = bench()
    commands_ = outcome.rows.command.str.split(" && ").tolist()
    folders = [
        word.split()[0]
        for words in commands_
        for part in words
        for word in part.split(" --out ")[1:]
    ]
    assert len(set(folders)) == len(folders) == 6
    assert all(folder.startswith("again/a,") for folder in folders)
    corrupt, train = commands_[2]
    made = corrupt.split("--out ")[1].split()[0]
    assert train.startswith(f"mixednoise train {made}/labels.csv ")


def test_figures_of_validation_are_no_test_figures(bench, monkeypatch):
    monkeypatch.setattr(
        "test_benchmark_run.STAND_IN", STAND_IN.replace("last=metrics", 'split="val", last=metrics')
    )
    outcome, _ = bench()
    assert outcome.rows.macro_f1_last.isna().all()
    assert (outcome.rows.val_macro_f1_last == 0.25).all()
    assert "It has no test split." in outcome.table
    assert ".5" not in outcome.table
    assert not (bench.out / "comparison.png").exists()


def test_dry_runs_nothing(bench):
    bench(only=["none"])
    outcome, done = bench(dry=True)
    assert not done
    assert len(outcome.rows) == 2


def test_a_cell_that_another_process_runs_is_left_to_it(bench):
    lock = bench.out / "locks" / "a,none,cross_entropy,0"
    with locked(lock) as held:
        assert held is not None
        outcome, _ = bench(jobs=2)
    assert outcome.busy == ["a/none/cross_entropy/0"]
    assert len(outcome.rows) == 3


def test_a_cell_that_another_process_has_finished_meanwhile_is_not_repeated(bench, monkeypatch):
    looked = []

    def not_yet(cell):
        """The first look at every cell comes before the other process is done."""
        looked.append(cell.name)
        return looked.count(cell.name) > 1 and original(cell)

    bench(only=["none"])
    original = runs.is_done
    monkeypatch.setattr(runs, "is_done", not_yet)
    outcome, done = bench()
    assert commands(done) == ["corrupt", "train", "train"]
    assert len(outcome.rows) == 4
    assert not outcome.busy


def test_a_process_keeps_its_lock_when_its_parent_lets_go(tmp_path):
    with locked(tmp_path / "lock") as held:
        sleeper = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=[held.fileno()]
        )
    try:
        with locked(tmp_path / "lock") as again:
            assert again is None
    finally:
        sleeper.kill()
        sleeper.wait()
    with locked(tmp_path / "lock") as free:
        assert free is not None


def test_ctrl_c_is_passed_on_and_waited_for(bench, monkeypatch, tmp_path):
    stopped = tmp_path / "stopped"
    script = (
        "import time, pathlib\n"
        "try:\n    print('up', flush=True); time.sleep(60)\n"
        f"except KeyboardInterrupt:\n    pathlib.Path({str(stopped)!r}).touch()\n"
    )
    logs = []

    def start_sleeper(words, log, **_):
        log.parent.mkdir(parents=True, exist_ok=True)
        logs.append(log)
        with log.open("ab") as out:
            return Running(subprocess.Popen([sys.executable, "-c", script], stdout=out), log)

    def interrupted(self):
        deadline = time.monotonic() + 20
        self._fill()
        self._has_ended(self.active[0])
        while b"up" not in logs[0].read_bytes() and time.monotonic() < deadline:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "check_data", lambda *_: None)
    monkeypatch.setattr(runs._Queue, "_one_more", interrupted)
    monkeypatch.setattr(runs, "start", start_sleeper)
    with pytest.raises(KeyboardInterrupt):
        run_benchmark(tmp_path / "matrix.toml", bench.out, progress=Silent())
    assert stopped.exists()


def test_a_process_that_ignores_ctrl_c_is_killed(tmp_path):
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    log = tmp_path / "log.txt"
    with log.open("wb") as out:
        running = Running(subprocess.Popen([sys.executable, "-c", code], stdout=out), log)
    while not log.read_bytes():
        time.sleep(0.01)
    running.stop(patience=0.1)
    assert running.poll() == -signal.SIGKILL


def test_a_real_command_is_started_and_measured(tmp_path):
    with locked(tmp_path / "lock") as held:
        running = start(["--version"], tmp_path / "log.txt", threads=1, locks=[held])
        while running.poll() is None:
            time.sleep(0.02)
    assert running.poll() == 0
    assert running.peak_memory_mb > 5
    assert Path(running.log).read_text().startswith("mixednoise ")
