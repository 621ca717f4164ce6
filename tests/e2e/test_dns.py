# SPDX-License-Identifier: Apache-2.0
"""Names of containers on user-defined networks: answered, passed on, and not passed on."""
import socket

import pytest

from conftest import REGISTRY

BUSYBOX = f"{REGISTRY}/busybox"


@pytest.fixture
def network(docker, name):
    """A network that is gone after the test, as its containers are."""
    made = []

    def create(*options):
        made.append(name("n"))
        docker("network", "create", *options, made[-1])
        return made[-1]

    yield create
    for one in made:
        for container in docker("ps", "-aq", "--filter", f"network={one}").split():
            docker("rm", "-f", container)
        docker("network", "rm", one)


def address(docker, container, network):
    return docker.inspect(container)["NetworkSettings"]["Networks"][network]["IPAddress"]


def look_up(docker, container, *words):
    """What nslookup says, whether it finds the name or not."""
    return docker("exec", container, "sh", "-c", f"nslookup {' '.join(words)} 2>&1 || true")


def pair(docker, name, net):
    one, other = name(), name()
    docker("run", "-d", "--name", one, "--network", net, "--network-alias", "db", BUSYBOX, "sleep", "600")
    docker("run", "-d", "--name", other, "--network", net, BUSYBOX, "sleep", "600")
    return one, other


def test_names_aliases_and_short_ids_are_found(docker, name, network):
    net = network()
    one, other = pair(docker, name, net)
    assert docker("exec", other, "cat", "/etc/resolv.conf").splitlines()[0] == "nameserver 127.0.0.11"
    assert "ndots:0" in docker("exec", other, "cat", "/etc/resolv.conf")
    where = address(docker, one, net)
    for wanted in (one, "db", "DB", docker.inspect(one)["Id"][:12], f"{one}.{net}"):
        assert where in look_up(docker, other, wanted), wanted
        assert "1 packets received" in docker("exec", other, "ping", "-c", "1", "-W", "3", wanted)
    assert f"{one}.{net}" in look_up(docker, other, where)


def test_names_of_other_networks_are_not_found(docker, name, network):
    net, apart = network(), network()
    one, _ = pair(docker, name, net)
    third = name()
    docker("run", "-d", "--name", third, "--network", apart, BUSYBOX, "sleep", "600")
    assert address(docker, one, net) not in look_up(docker, third, one)
    docker("network", "connect", net, third)
    assert address(docker, one, net) in look_up(docker, third, one)


def test_names_are_found_after_a_crash_of_the_daemon(docker, engine, name, network):
    net = network()
    one, other = pair(docker, name, net)
    engine.kill()
    engine.start()
    assert address(docker, one, net) in look_up(docker, other, "db")


def test_the_default_network_has_no_name_server(docker, name):
    made = name()
    docker("run", "-d", "--name", made, BUSYBOX, "sleep", "600")
    assert "127.0.0.11" not in docker("exec", made, "cat", "/etc/resolv.conf")


@pytest.mark.parametrize("internal", [False, True])
def test_r53_what_is_not_known_leaves_all_but_internal_networks(docker, engine, name, network,
                                                                internal):
    with engine.sandbox.network(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.9", 53))
        server.settimeout(2)
        made = name()
        docker("run", "-d", "--name", made, "--network",
               network(*(["--internal"] if internal else [])), "--dns", "127.0.0.9", BUSYBOX,
               "sh", "-c", "nslookup secret-word.example; sleep 600")
        try:
            heard = server.recv(4096)
        except TimeoutError:
            heard = b""
    assert (b"secret-word" in heard) == (not internal)
