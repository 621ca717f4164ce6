# SPDX-License-Identifier: Apache-2.0
"""docker-compose, Debian's, with a project of three services: the everyday work of a developer."""
import json
import os
import subprocess

import pytest
from conftest import REGISTRY

pytestmark = pytest.mark.davit_only
TOOLBOX = f"{REGISTRY}/toolbox"

PROJECT = """
version: "2.4"
services:
  db:
    image: {image}
    command: ["sh", "-c", "sleep 1; echo ready > /data/state; exec sleep 300"]
    volumes: ["data:/data"]
    networks: [back]
    healthcheck: {{test: ["CMD", "test", "-s", "/data/state"], interval: 1s, retries: 20}}
  web:
    image: {image}
    command: ["httpd", "-f", "-p", "8080", "-h", "/srv"]
    depends_on: {{db: {{condition: service_healthy}}}}
    networks: {{front: {{}}, back: {{aliases: [site]}}}}
    ports: ["127.0.0.1::8080"]
    restart: unless-stopped
  worker:
    image: {image}
    command: ["sh", "-c", "wget -qO- http://site:8080/; echo; exec sleep 300"]
    depends_on: [web]
    networks: [back]
networks:
  front: {{}}
  back: {{internal: true}}
volumes:
  data: {{}}
"""


class Compose:
    def __init__(self, engine, folder):
        self.engine, self.folder = engine, folder
        (folder / "docker-compose.yml").write_text(PROJECT.format(image=TOOLBOX))
        self.environment = {**os.environ, "DOCKER_HOST": engine.host, "HOME": str(folder),
                            "COMPOSE_PROJECT_NAME": folder.name}

    def __call__(self, *words):
        done = subprocess.run(self.engine.sandbox.enter(
            "docker-compose", "--ansi", "never", "--project-directory", self.folder, "-f",
            self.folder / "docker-compose.yml", *words),
                              env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0, f"docker-compose {' '.join(words)}: {done.stderr}"
        return done.stdout


@pytest.fixture
def compose(engine, tmp_path):
    folder = tmp_path / f"shop{os.getpid()}"
    folder.mkdir()
    one = Compose(engine, folder)
    yield one
    one("down", "--volumes", "--timeout", "1")


def containers(engine, service):
    wanted = json.dumps({"label": [f"com.docker.compose.service={service}"]}).replace('"', "%22")
    return engine.get(f"/v1.41/containers/json?all=1&filters={wanted.replace(' ', '')}")


def test_a_project_of_three_services_lives_a_day(compose, engine):
    compose("up", "-d", "--scale", "worker=2")
    assert containers(engine, "db")[0]["Status"].endswith("(healthy)")
    assert len(containers(engine, "worker")) == 2
    port = containers(engine, "web")[0]["Ports"][0]["PublicPort"]
    page = engine.sandbox.run("curl", "-sS", "--retry", "10", "--retry-connrefused",
                              f"http://127.0.0.1:{port}/")
    assert "served by toolbox" in page
    assert "db" in compose("ps") and "Up" in compose("ps")
    assert compose("exec", "-T", "worker", "cat", "/etc/resolv.conf").startswith("nameserver 127.0.0.11")
    assert compose("exec", "-T", "worker", "wget", "-qO-", "http://web:8080/") == page
    compose("restart", "--timeout", "1", "web")
    assert "served by toolbox" in compose("logs", "worker")
    compose("stop", "--timeout", "1")
    compose("start")
    assert compose("exec", "-T", "db", "cat", "/data/state") == "ready\n"
    compose("down", "--volumes", "--timeout", "1")
    names = [one["Name"] for one in engine.get("/v1.41/networks")]
    assert not [name for name in names if name.startswith("shop")]
    assert not engine.get("/v1.41/volumes")["Volumes"]
