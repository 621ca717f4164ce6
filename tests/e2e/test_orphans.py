# SPDX-License-Identifier: Apache-2.0
"""What loses its launcher must not keep a container from ending."""
import os
import signal
import time
from pathlib import Path

import pytest

from conftest import REGISTRY

pytestmark = pytest.mark.davit_only
BUSYBOX = f"{REGISTRY}/busybox"


def parent_of(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1])


def test_a_program_that_cannot_be_executed_leaves_no_zombie_behind(docker, name):
    made = name()
    docker("run", "-d", "--name", made, BUSYBOX, "sleep", "1000")
    for _ in range(3):
        docker.fails("exec", made, "no-such-program", code=127)
    began = time.monotonic()
    docker("rm", "-f", made)
    assert time.monotonic() - began < 5


def test_a_session_whose_launcher_was_killed_does_not_hold_the_container(docker, engine, name):
    made = name()
    docker("run", "-d", "--name", made, BUSYBOX, "sleep", "1000")
    docker("exec", "-d", made, "sleep", "999")
    top = int(docker("inspect", "-f", "{{.State.Pid}}", made))
    namespace = os.readlink(f"/proc/{top}/ns/pid")
    inside = [int(path.name) for path in Path("/proc").glob("[0-9]*")
              if path.name != str(top) and _namespace(path) == namespace]
    assert len(inside) == 1, "the session's one process"
    os.kill(parent_of(inside[0]), signal.SIGKILL)
    began = time.monotonic()
    docker("rm", "-f", made)
    assert time.monotonic() - began < 5


def _namespace(process):
    try:
        return os.readlink(process / "ns/pid")
    except OSError:
        return None
