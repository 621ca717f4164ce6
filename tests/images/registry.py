# SPDX-License-Identifier: Apache-2.0
"""Debian's docker-registry as a child process on a loopback port, storing in a given directory."""
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

SETTINGS = """version: 0.1
log: {{level: warn, accesslog: {{disabled: {quiet}}}}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  delete: {{enabled: true}}
  maintenance: {{readonly: {{enabled: {readonly}}}}}
http: {{addr: "{address}:{port}"}}
"""


class Registry:
    """A running registry; `stop` ends it. `address` is what image names begin with."""

    def __init__(self, storage, work, port=0, readonly=False, address="127.0.0.1"):
        self.port = port or free_port(address)
        self.address = f"{address}:{self.port}"
        self.work = pathlib.Path(work)
        self.work.mkdir(parents=True, exist_ok=True)
        settings = self.work / f"registry-{self.port}.yml"
        settings.write_text(SETTINGS.format(storage=json.dumps(str(storage)), address=address,
                                            port=self.port, quiet="false",
                                            readonly=str(readonly).lower()))
        self.log = self.work / f"registry-{self.port}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(settings)], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
        self._wait_until_it_answers()

    def _wait_until_it_answers(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"http://{self.address}/v2/", timeout=2).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"start docker-registry on {self.address}: {self.log.read_text()[-800:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def push(self, layout, tag, name, all_platforms=False, **options):
        """Pushes one tag of an OCI layout as `name` (repository:tag) with skopeo."""
        words = ["skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false"]
        words += ["--all"] if all_platforms else []
        words += [f"--{key}={value}" for key, value in options.items()]
        subprocess.run([*words, f"oci:{layout}:{tag}", f"docker://{self.address}/{name}"],
                       check=True)


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]
