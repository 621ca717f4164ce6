# SPDX-License-Identifier: Apache-2.0
"""Command lines that speak to one engine: davit and the docker CLIs, as programs of their own."""
import dataclasses
import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import termios
import time

TIMEOUT = 60  # seconds after which a command counts as hanging


@dataclasses.dataclass
class Done:
    """How a command ended."""

    words: list
    code: int
    out: str
    err: str

    def __str__(self):
        return f"{' '.join(self.words)}: exit code {self.code}\n{self.out}{self.err}"


class Cli:
    """One command-line program, bound to an engine's socket."""

    def __init__(self, name, program, engine, work):
        self.name, self.program, self.engine = name, str(program), engine
        self.config = pathlib.Path(work) / f"config-{name}"
        self.config.mkdir(parents=True, exist_ok=True)
        kept = ("PATH", "LANG", "LC_ALL", "TERM", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
        self.environment = {key: os.environ[key] for key in kept if key in os.environ}
        self.environment |= {"HOME": str(self.config), "DOCKER_CONFIG": str(self.config),
                             "DAVIT_CONFIG": str(self.config)}

    def __repr__(self):
        return self.name

    def words(self, *arguments):
        return self.engine.sandbox.enter(self.program, "-H", self.engine.host, *arguments)

    def run(self, *arguments, stdin="", timeout=TIMEOUT, **environment):
        """Runs to the end; whatever the exit code."""
        done = subprocess.run(self.words(*arguments), input=stdin, capture_output=True, text=True,
                              errors="surrogateescape", timeout=timeout,
                              env=self.environment | environment)
        return Done([self.name, *map(str, arguments)], done.returncode, done.stdout, done.stderr)

    def __call__(self, *arguments, **options):
        """Runs to the end and returns the output without its last newline; a failure fails the test."""
        done = self.run(*arguments, **options)
        assert done.code == 0, str(done)
        return done.out[:-1] if done.out.endswith("\n") else done.out

    def fails(self, *arguments, code, **options):
        """Runs a command that must end with this code; returns what it said on stderr."""
        done = self.run(*arguments, **options)
        assert done.code == code, f"expected exit code {code}; {done}"
        return done.err

    def start(self, *arguments, **options):
        """Starts it and returns the process, with pipes."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(self.words(*arguments), env=self.environment, **(pipes | options))

    def inspect(self, name, kind=None):
        options = ["--type", kind] if kind else []
        return json.loads(self("inspect", *options, name))[0]

    def terminal(self, *arguments, rows=24, columns=80):
        return Terminal(self.words(*arguments), self.environment, rows, columns)


class Terminal:
    """A command on a terminal of its own: type, read the screen, resize, look at its modes."""

    def __init__(self, words, environment, rows, columns):
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(self.master, (rows, columns))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *words], stdin=slave, stdout=slave, stderr=slave,
            env=environment | {"TERM": "xterm"}, start_new_session=False)
        self.screen = ""

    def type(self, text):
        os.write(self.master, text.encode())

    def resize(self, rows, columns):
        termios.tcsetwinsize(self.master, (rows, columns))

    def wait_for(self, text, timeout=10):
        """Reads until the screen shows `text`."""
        deadline = time.monotonic() + timeout
        while text not in self.screen:
            left = deadline - time.monotonic()
            assert left > 0, f"the terminal never showed {text!r}, but {self.screen!r}"
            if select.select([self.master], [], [], left)[0]:
                self.screen += os.read(self.master, 65536).decode(errors="replace")
        return self.screen

    def ended(self, timeout=10):
        """Waits for the command's end, reading on; returns its exit code."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.02)[0]:
                self.screen += os.read(self.master, 65536).decode(errors="replace")
        while select.select([self.master], [], [], 0)[0]:
            self.screen += os.read(self.master, 65536).decode(errors="replace")
        assert self.process.poll() is not None, f"still running; the screen shows {self.screen!r}"
        return self.process.returncode

    def restored(self):
        """Whether the terminal has the modes it had before the command."""
        return termios.tcgetattr(self.slave)[:4] == self.before[:4]

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
