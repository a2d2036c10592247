"""Commands in processes of their own: several at once, measured, stopped together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows has no such locks: there, one benchmark at a time is up to the user
    fcntl = None  # type: ignore[assignment]


@dataclass
class Running:
    """A command that has been started.

    Attributes:
        process: it.
        log: what it prints.
        peak_memory_mb: largest resident memory, once it has ended; NaN where the system is silent.
    """

    process: subprocess.Popen[bytes]
    log: Path
    peak_memory_mb: float = float("nan")

    def poll(self) -> int | None:
        """Exit status once it has ended; negative: killed by that signal."""
        if self.process.returncode is not None or not hasattr(os, "wait4"):
            return self.process.poll()
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            return None
        # Linux tells kilobytes, macOS bytes.
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        self.peak_memory_mb = usage.ru_maxrss / unit
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return self.process.returncode

    def stop(self, patience: float = 30.0) -> None:
        """Ctrl-C, and wait: training leaves a run that can be gone on with.

        A process that does not listen, because it was started where Ctrl-C is ignored, is killed
        after ``patience`` seconds; its run can be gone on with as well.
        """
        if self.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + patience
        while self.poll() is None:
            if time.monotonic() > deadline:
                self.process.kill()
            time.sleep(0.05)


def start(
    words: Sequence[str], log: Path, *, threads: int | None, locks: Sequence[IO[str]]
) -> Running:
    """Start ``mixednoise WORDS``.

    Args:
        words: of the command.
        log: gets what it prints, after what is there already.
        threads: CPU threads, None = torch's choice.
        locks: of :func:`locked`; the process holds them as long as it lives, whatever becomes of
            us.
    """
    environment = dict(os.environ)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            # -P: files of the user in the current folder are no modules of ours.
            [sys.executable, "-P", "-m", "mixednoise", *words],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            # Ctrl-C reaches us alone: we pass it on, once.
            start_new_session=True,
            pass_fds=() if fcntl is None else [lock.fileno() for lock in locks],
        )
    return Running(process, log)


@contextmanager
def locked(path: Path) -> Iterator[IO[str] | None]:
    """Hold a lock file, None where another process, or what it has started, holds it.

    A process that is given the file keeps the lock until it ends, also when we are killed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield None
                return
        yield file


def last_lines(log: Path, lines: int = 6) -> str:
    """The end of a log, for a message."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.strip().splitlines()[-lines:])
