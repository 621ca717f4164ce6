# SPDX-License-Identifier: Apache-2.0
"""Many clients on few containers at once: every answer is one of those that the API allows."""
import os
import random
import threading
import time

import pytest

from conftest import REGISTRY

pytestmark = pytest.mark.davit_only
CLIENTS, CONTAINERS = 32, 8
SECONDS = float(os.environ.get("DAVIT_STRESS", "5"))
BUSYBOX = f"{REGISTRY}/busybox"
V = "/v1.41"


def deeds(name):
    """(method, path, body, statuses that are right whatever the others do)."""
    return [
        ("POST", f"/containers/create?name={name}",
         {"Image": BUSYBOX, "Cmd": ["sleep", "30"], "HostConfig": {"NetworkMode": "none"}}, {201, 409}),
        ("POST", f"/containers/{name}/start", None, {204, 304, 404, 409}),
        ("POST", f"/containers/{name}/stop?t=0", None, {204, 304, 404, 409}),
        ("POST", f"/containers/{name}/kill", None, {204, 404, 409}),
        ("DELETE", f"/containers/{name}?force=1", None, {204, 404, 409}),
        ("GET", f"/containers/{name}/json", None, {200, 404}),
        ("GET", f"/containers/{name}/logs?stdout=1", None, {200, 404, 409}),
        ("GET", "/containers/json?all=1", None, {200}), ("GET", "/info", None, {200}),
        ("GET", "/images/json", None, {200}),
        ("POST", f"/containers/{name}/exec", {"Cmd": ["true"]}, {201, 404, 409}),
    ]


def test_32_clients_on_8_containers(engine):
    wrong, counts, until = [], [0] * CLIENTS, time.monotonic() + SECONDS

    def client(number):
        chance = random.Random(number)
        while time.monotonic() < until and len(wrong) < 10:
            method, path, body, right = chance.choice(deeds(f"s{chance.randrange(CONTAINERS)}"))
            try:
                status, answer = engine.request(method, V + path, body)
            except OSError as error:
                status, answer = None, repr(error)
            counts[number] += 1
            if status not in right:
                wrong.append((method, path, status, answer))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(SECONDS + 120)
    assert not any(one.is_alive() for one in threads), "a request hangs"
    assert not wrong, wrong
    assert min(counts) > 0
