import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from spikewatch_testing.patience import PATIENCE_S

from spikewatch.cli.exit_status import CannotRun
from spikewatch.cli.stack.child_process import ChildProcess, StartFailed
from spikewatch.cli.stack.waiting import wait_for

# Starts two children in a thread that ends (they must not end with it), one deaf to SIGTERM, and waits to be killed.
_PARENT = """
import sys, threading
from pathlib import Path
from spikewatch.cli.stack.child_process import ChildProcess
folder = Path(sys.argv[1])
children = [ChildProcess("polite", folder), ChildProcess("deaf", folder)]
def launch():
    children[0].launch([sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"])
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\\nwhile True: signal.pause()"
    children[1].launch([sys.executable, "-c", deaf])
thread = threading.Thread(target=launch)
thread.start()
thread.join()
for child in children:
    child.wait_until(lambda child=child: "up" in child.log_tail(), timeout_s=240)
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
"""


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_parent_killed_by_sigkill_leaves_nothing_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        family = [process.pid for process in psutil.Process(parent.pid).children(recursive=True)]
        assert set(pids) < set(family)  # the guard is one more
        parent.kill()

        wait_for(lambda: all(_is_gone(pid) for pid in family), timeout_s=PATIENCE_S, what="the end of all children and of the guard")


def test_stop_is_clean_and_a_stopped_child_can_start_again(tmp_path: Path) -> None:
    child = ChildProcess("polite", tmp_path)
    for _ in range(2):
        child.launch([sys.executable, "-c", "import signal; signal.pause()"])
        assert child.is_running
        assert child.stop(timeout_s=PATIENCE_S)
        assert not child.is_running


def test_stop_ends_a_child_that_ignores_sigterm_and_says_so(tmp_path: Path) -> None:
    child = ChildProcess("deaf", tmp_path)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
    child.launch([sys.executable, "-c", deaf])
    child.wait_until(lambda: "up" in child.log_tail(), timeout_s=PATIENCE_S)

    assert not child.stop(timeout_s=0.2)
    assert not child.is_running


def test_a_part_that_ends_at_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = ChildProcess("kafka", tmp_path)
    child.launch([sys.executable, "-c", "print('the port is taken'); raise SystemExit(3)"])

    with pytest.raises(StartFailed, match=r"(?s)kafka ended at once.*the port is taken"):
        child.wait_until(lambda: False, timeout_s=PATIENCE_S)


def test_a_part_that_is_never_ready_is_told(tmp_path: Path) -> None:
    child = ChildProcess("kafka", tmp_path)
    child.launch([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        with pytest.raises(StartFailed, match="not ready within"):
            child.wait_until(lambda: False, timeout_s=0.1)
    finally:
        child.kill()


def test_the_guard_does_not_keep_the_childs_signals(tmp_path: Path) -> None:
    child = ChildProcess("polite", tmp_path)
    child.launch([sys.executable, "-c", "import signal; signal.pause()"])
    assert child.pid is not None
    assert os.getpgid(child.pid) == child.pid  # Ctrl-C on the terminal reaches the parent alone
    os.kill(child.pid, signal.SIGKILL)

    wait_for(lambda: not child.is_running, timeout_s=PATIENCE_S, what="the child's end")


def test_waiting_names_what_did_not_come() -> None:
    with pytest.raises(CannotRun, match="the moon was not ready"):
        wait_for(lambda: False, timeout_s=0, what="the moon")
