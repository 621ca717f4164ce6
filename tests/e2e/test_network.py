# SPDX-License-Identifier: Apache-2.0
"""The networks none, host and bridge, and published ports, through every command line."""
import re
import socket
import time

import pytest

from conftest import REGISTRY
from harness.sandbox import network_of

TOOLBOX, BUSYBOX = f"{REGISTRY}/toolbox", f"{REGISTRY}/busybox"
SERVE = ("httpd", "-f", "-p", "8080", "-h", "/srv")


def fetch(namespace, url):
    """The page, once somebody answers."""
    return namespace.run("curl", "-sS", "--retry", "20", "--retry-connrefused", "--retry-delay", "0",
                         "--retry-max-time", "10", "-m", "5", url)


def published(cli, made):
    bound = cli.inspect(made)["NetworkSettings"]["Ports"]["8080/tcp"]
    return int(bound[0]["HostPort"])


def test_none_has_loopback_alone(cli):
    out = cli("run", "--rm", "--network", "none", BUSYBOX, "sh", "-c",
              "ip -o link | cut -d: -f2; ip route; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo lo up")
    assert [line.strip() for line in out.splitlines()] == ["lo", "lo up"]


def test_host_has_the_hosts_links(cli):
    out = cli("run", "--rm", "--network", "host", BUSYBOX, "ip", "-o", "link")
    assert "cable0" in out


def test_bridge_gives_an_address_and_a_route(cli):
    out = cli("run", "--rm", BUSYBOX, "sh", "-c", "ip -4 -o address show eth0; ip route")
    assert re.search(r"inet \d+\.\d+\.\d+\.\d+/\d+", out) and "default via" in out


def test_bridge_reaches_the_neighbour(cli, engine):
    with_neighbour = engine.sandbox.neighbour_address
    assert "1 packets received" in cli("run", "--rm", BUSYBOX, "ping", "-c", "1", "-W", "3",
                                       with_neighbour)


def test_containers_on_the_bridge_reach_each_other(cli, name):
    made = name()
    cli("run", "-d", "--name", made, TOOLBOX, *SERVE)
    address = cli.inspect(made)["NetworkSettings"]["IPAddress"]
    time.sleep(0.2)
    assert cli("run", "--rm", BUSYBOX, "wget", "-qO-", f"http://{address}:8080/") == \
        "served by toolbox"


def test_a_port_on_loopback_is_reached_from_the_host_only(cli, engine, name):
    made = name()
    cli("run", "-d", "--name", made, "-p", "127.0.0.1:0:8080", TOOLBOX, *SERVE)
    port = published(cli, made)
    assert fetch(engine.sandbox, f"http://127.0.0.1:{port}/") == "served by toolbox\n"
    with pytest.raises(AssertionError):
        engine.sandbox.neighbour.run("curl", "-sS", "-m", "2",
                                     f"http://{engine.sandbox.address}:{port}/")


def test_a_port_on_every_address_is_reached_from_everywhere(cli, engine, name):
    made = name()
    cli("run", "-d", "--name", made, "-p", "0.0.0.0:0:8080", TOOLBOX, *SERVE)
    port = published(cli, made)
    for namespace, address in ((engine.sandbox, "127.0.0.1"),
                               (engine.sandbox, engine.sandbox.address),
                               (engine.sandbox.neighbour, engine.sandbox.address)):
        assert fetch(namespace, f"http://{address}:{port}/") == "served by toolbox\n"


def test_a_container_reaches_its_own_published_port(cli, engine, name):
    made = name()
    cli("run", "-d", "--name", made, "-p", "0.0.0.0:0:8080", TOOLBOX, *SERVE)
    port = published(cli, made)
    fetch(engine.sandbox, f"http://127.0.0.1:{port}/")
    assert cli("exec", made, "wget", "-qO-",
               f"http://{engine.sandbox.address}:{port}/") == "served by toolbox"


def test_publish_all_takes_what_the_image_exposes(cli, name):
    made = name()
    cli("run", "-d", "--name", made, "-P", "--entrypoint", "httpd", f"{REGISTRY}/toolbox:app", "-f",
        "-p", "8080", "-h", "/srv")
    assert published(cli, made) > 1024


def test_a_port_serves_again_after_its_container_is_gone(cli, engine, name):
    port = "18080"
    for _ in range(2):
        made = name()
        cli("run", "-d", "--rm", "--name", made, "-p", f"127.0.0.1:{port}:8080", TOOLBOX, *SERVE)
        assert fetch(engine.sandbox, f"http://127.0.0.1:{port}/") == "served by toolbox\n"
        cli("kill", made)
        deadline = time.monotonic() + 5
        while cli.run("inspect", made).code == 0 and time.monotonic() < deadline:
            time.sleep(0.05)


def test_a_taken_port_is_an_error_and_leaves_the_container_created(cli, name):
    first, second = name(), name()
    cli("run", "-d", "--name", first, "-p", "127.0.0.1:18081:8080", TOOLBOX, *SERVE)
    err = cli.fails("run", "-d", "--name", second, "-p", "127.0.0.1:18081:8080", TOOLBOX, *SERVE,
                    code=125)
    assert "18081" in err and ("already" in err or "in use" in err)
    assert cli.inspect(second)["State"]["Status"] == "created"


def test_a_published_udp_port_is_served(cli, engine, name):
    made = name()
    cli("run", "-d", "--name", made, "-p", "127.0.0.1:18082:9000/udp", BUSYBOX, "sleep", "60")
    with network_of(cli.inspect(made)["State"]["Pid"]):
        server = socket.socket(type=socket.SOCK_DGRAM)
        server.bind(("0.0.0.0", 9000))
    with engine.sandbox.network():
        client = socket.socket(type=socket.SOCK_DGRAM)
    with server, client:
        server.settimeout(5)
        client.settimeout(5)
        client.sendto(b"question", ("127.0.0.1", 18082))
        question, sender = server.recvfrom(100)
        server.sendto(b"answer to " + question, sender)
        assert client.recvfrom(100) == (b"answer to question", ("127.0.0.1", 18082))


def test_a_container_joins_the_network_of_another(cli, name):
    made = name()
    cli("run", "-d", "--name", made, TOOLBOX, *SERVE)
    time.sleep(0.2)
    assert cli("run", "--rm", "--network", f"container:{made}", BUSYBOX, "wget", "-qO-",
               "http://127.0.0.1:8080/") == "served by toolbox"


def test_rules_of_an_ended_container_are_gone(cli, engine, name):
    before = engine.sandbox.run("nft", "list", "ruleset").count("18083")
    made = name()
    cli("run", "-d", "--name", made, "-p", "127.0.0.1:18083:8080", TOOLBOX, *SERVE)
    cli("rm", "-f", made)
    deadline = time.monotonic() + 3
    while engine.sandbox.run("nft", "list", "ruleset").count("18083") > before:
        assert time.monotonic() < deadline, "the rules of port 18083 are still there"
        time.sleep(0.05)
