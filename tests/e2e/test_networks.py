# SPDX-License-Identifier: Apache-2.0
"""User-defined networks: made, listed, removed, connected and disconnected, through every command line."""
import json
import re
import time

import pytest

from conftest import REGISTRY

TOOLBOX, BUSYBOX = f"{REGISTRY}/toolbox", f"{REGISTRY}/busybox"
SERVE = ("httpd", "-f", "-p", "8080", "-h", "/srv")


def makes_networks(cli, name):
    made = []

    def make(*options, word="n"):
        one = name(word)
        cli("network", "create", *options, one)
        made.append(one)
        return one
    yield make
    containers = cli("ps", "-aq").split()
    if containers:
        cli("rm", "-f", *containers)
    for one in made:
        cli.run("network", "rm", one)


@pytest.fixture
def network(cli, name):
    """A function that makes networks, which are removed after the test."""
    yield from makes_networks(cli, name)


@pytest.fixture
def davits_network(davit, name):
    """The same, by davit alone."""
    yield from makes_networks(davit, name)


def shown(cli, network):
    return json.loads(cli("network", "inspect", network))[0]


def endpoint(cli, container, network):
    return cli.inspect(container)["NetworkSettings"]["Networks"][network]


def eventually(check, seconds=3):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def reaches(cli, container, address):
    done = cli.run("exec", container, "timeout", "2", "wget", "-qO-", f"http://{address}:8080/")
    return done.code == 0 and "served" in done.out


def test_a_network_is_made_listed_shown_and_removed(cli, network):
    made = network("--label", "color=blue", "--subnet", "10.201.0.0/24", "--gateway", "10.201.0.254",
                   "--ip-range", "10.201.0.128/25")
    one = shown(cli, made)
    assert one["IPAM"]["Config"] == [{"Subnet": "10.201.0.0/24", "IPRange": "10.201.0.128/25",
                                      "Gateway": "10.201.0.254"}]
    assert (one["Driver"], one["Scope"], one["Labels"]) == ("bridge", "local", {"color": "blue"})
    assert made in cli("network", "ls", "--format", "{{.Name}}").split()
    assert cli("network", "ls", "-q", "--no-trunc", "-f", "label=color=blue").split() == [one["Id"]]
    assert made not in cli("network", "ls", "--format", "{{.Name}}", "-f", "type=builtin").split()
    assert cli("network", "rm", made).strip() == made
    assert made in cli.fails("network", "inspect", made, code=1)


def test_names_and_subnets_are_taken_once(cli, network):
    made = network("--subnet", "10.202.0.0/24")
    assert f"network with name {made} already exists" in cli.fails("network", "create", made, code=1)
    assert "overlaps" in cli.fails("network", "create", "--subnet", "10.202.0.128/25", made + "x", code=1)
    assert "predefined" in cli.fails("network", "create", "host", code=1)
    assert "pre-defined" in cli.fails("network", "rm", "bridge", code=1)
    assert "it should be 10.9.0.0/24" in cli.fails("network", "create", "--subnet", "10.9.0.1/24",
                                                   made + "x", code=1)


def test_containers_of_a_network_reach_each_other_and_nobody_elses(cli, network, name):
    front, back = network(), network()
    server, client, stranger = name(), name(), name()
    cli("run", "-d", "--name", server, "--network", front, TOOLBOX, *SERVE)
    cli("run", "-d", "--name", client, "--network", front, BUSYBOX, "sleep", "60")
    cli("run", "-d", "--name", stranger, "--network", back, BUSYBOX, "sleep", "60")
    address = endpoint(cli, server, front)["IPAddress"]
    eventually(lambda: _true(reaches(cli, client, address)))
    assert not reaches(cli, stranger, address)
    containers = shown(cli, front)["Containers"]
    assert {one["Name"] for one in containers.values()} == {server, client}
    assert "has active endpoints" in cli.fails("network", "rm", front, code=1)


def _true(value):
    assert value


def test_a_container_has_an_interface_for_each_network(cli, network, name):
    first, second, made = network(), network(), name()
    cli("create", "--name", made, "--network", first, BUSYBOX, "sleep", "60")
    cli("network", "connect", second, made)
    cli("start", made)
    networks = cli.inspect(made)["NetworkSettings"]["Networks"]
    assert set(networks) == {first, second}
    addresses = cli("exec", made, "ip", "-4", "-o", "address")
    assert f"eth0    inet {networks[first]['IPAddress']}/" in addresses
    assert f"eth1    inet {networks[second]['IPAddress']}/" in addresses
    assert cli("exec", made, "ip", "route").count("default") == 1
    hosts = cli("exec", made, "cat", "/etc/hosts")
    assert networks[first]["IPAddress"] in hosts and networks[second]["IPAddress"] in hosts


def test_networks_are_connected_and_disconnected_while_it_runs(cli, network, name):
    other, server, made = network(), name(), name()
    cli("run", "-d", "--name", server, "--network", other, TOOLBOX, *SERVE)
    address = endpoint(cli, server, other)["IPAddress"]
    cli("run", "-d", "--name", made, BUSYBOX, "sleep", "60")
    assert not reaches(cli, made, address)
    cli("network", "connect", other, made)
    eventually(lambda: _true(reaches(cli, made, address)))
    assert "already exists" in cli.fails("network", "connect", other, made, code=1)
    own = endpoint(cli, made, other)["IPAddress"]
    assert own in cli("exec", made, "cat", "/etc/hosts")
    # Its way out moves with the networks that it has.
    cli("network", "disconnect", "bridge", made)
    route = cli("exec", made, "ip", "route")
    assert f"default via {endpoint(cli, made, other)['Gateway']}" in route, route
    cli("network", "disconnect", other, made)
    eventually(lambda: _true("eth" not in cli("exec", made, "ip", "-o", "link")))
    assert own not in cli("exec", made, "cat", "/etc/hosts")
    assert "not connected" in cli.fails("network", "disconnect", other, made, code=1)
    cli("network", "connect", "bridge", made)
    assert "default via" in cli("exec", made, "ip", "route")


def test_addresses_are_the_users_where_he_chose_the_subnet(cli, network, name):
    chosen, free, made = network("--subnet", "10.203.0.0/24"), network(), name()
    mac = "02:11:22:33:44:55"
    cli("run", "-d", "--name", made, "--network", chosen, "--ip", "10.203.0.77", "--mac-address", mac,
        BUSYBOX, "sleep", "60")
    one = endpoint(cli, made, chosen)
    assert (one["IPAddress"], one["MacAddress"]) == ("10.203.0.77", mac)
    assert mac in cli("exec", made, "ip", "link", "show", "eth0")
    assert "in use" in cli.fails("run", "--rm", "--network", chosen, "--ip", "10.203.0.77", BUSYBOX,
                                 "true", code=125)
    assert "user configured subnets" in cli.fails("run", "--rm", "--network", free, "--ip",
                                                  "10.1.2.3", BUSYBOX, "true", code=125)
    assert "user defined networks only" in cli.fails("run", "--rm", "--network", "bridge", "--ip", "10.1.2.3", BUSYBOX,
                                                     "true", code=125)


def test_a_network_that_is_not_there_is_missed_at_start(cli, name):
    made = name()
    cli("create", "--name", made, "--network", "nowhere", BUSYBOX, "true")
    assert "network nowhere not found" in cli.fails("start", made, code=1)


def test_an_internal_network_leads_nowhere(cli, engine, network, name):
    inside, server, client = network("--internal"), name(), name()
    cli("run", "-d", "--name", server, "--network", inside, TOOLBOX, *SERVE)
    cli("run", "-d", "--name", client, "--network", inside, BUSYBOX, "sleep", "60")
    eventually(lambda: _true(reaches(cli, client, endpoint(cli, server, inside)["IPAddress"])))
    assert "default" not in cli("exec", client, "ip", "route")
    assert cli.run("exec", client, "ping", "-c", "1", "-W", "1",
                   engine.sandbox.neighbour_address).code != 0


def test_without_icc_containers_do_not_reach_each_other(cli, engine, network, name):
    apart = network("-o", "com.docker.network.bridge.enable_icc=false")
    server, client = name(), name()
    cli("run", "-d", "--name", server, "--network", apart, TOOLBOX, *SERVE)
    cli("run", "-d", "--name", client, "--network", apart, BUSYBOX, "sleep", "60")
    time.sleep(0.3)
    assert not reaches(cli, client, endpoint(cli, server, apart)["IPAddress"])
    assert "1 packets received" in cli("exec", client, "ping", "-c", "1", "-W", "3",
                                       engine.sandbox.neighbour_address)


def test_options_reach_the_driver_and_unknown_ones_are_refused(cli, engine, network):
    network("-o", "com.docker.network.bridge.name=e2e-named0", "-o", "com.docker.network.driver.mtu=1400")
    assert "mtu 1400" in engine.sandbox.run("ip", "link", "show", "e2e-named0")
    assert "com.docker.network.bridge.nmae" in cli.fails(
        "network", "create", "-o", "com.docker.network.bridge.nmae=x", "misspelt", code=1)


def test_both_families_at_once(cli, network, name):
    both, server, client = network("--ipv6"), name(), name()
    cli("run", "-d", "--name", server, "--network", both, TOOLBOX, *SERVE)
    cli("run", "-d", "--name", client, "--network", both, BUSYBOX, "sleep", "60")
    one = endpoint(cli, server, both)
    assert one["IPAddress"] and one["GlobalIPv6Address"] and one["IPv6Gateway"]
    assert "1 packets received" in cli("exec", client, "ping", "-6", "-c", "1", "-W", "3",
                                       one["GlobalIPv6Address"])
    assert "default via" in cli("exec", client, "ip", "-6", "route")


def test_prune_takes_what_no_container_uses(cli, network, name):
    unused, used = network("--label", "sweep=1"), network("--label", "sweep=1")
    cli("run", "-d", "--name", name(), "--network", used, BUSYBOX, "sleep", "60")
    assert unused in cli("network", "prune", "-f", "--filter", "label=sweep=1")
    listed = cli("network", "ls", "--format", "{{.Name}}").split()
    assert unused not in listed and used in listed


def test_the_long_form_says_all_of_an_endpoint(davit, davits_network, name):
    front, back = davits_network("--subnet", "10.205.0.0/24"), davits_network()
    made = name()
    davit("run", "-d", "--name", made, "--network", f"name={front},ip=10.205.0.9,alias=web,"
          "mac-address=02:aa:00:00:00:01", "--network", f"name={back},gw-priority=5", BUSYBOX,
          "sleep", "60")
    one = endpoint(davit, made, front)
    assert (one["IPAddress"], one["MacAddress"]) == ("10.205.0.9", "02:aa:00:00:00:01")
    assert "web" in one["Aliases"]
    assert f"default via {endpoint(davit, made, back)['Gateway']} " in davit("exec", made, "ip", "route")


def test_inspect_finds_networks_and_volumes_too(cli, network, name):
    made, volume = network(), name("v")
    cli("volume", "create", volume)
    assert json.loads(cli("inspect", volume))[0]["Driver"] == "local"
    assert json.loads(cli("inspect", made))[0]["Driver"] == "bridge"
    assert json.loads(cli("inspect", "--type", "network", made))[0]["Name"] == made
    cli.fails("inspect", "--type", "volume", made, code=1)


def test_a_containers_mac_address_leaves_the_rest_of_its_endpoint(engine, davit, davits_network, name):
    front, made = davits_network("--subnet", "10.206.0.0/24"), name()
    mac, address = "02:aa:00:00:00:02", "10.206.0.9"
    status, answer = engine.request("POST", f"/v1.44/containers/create?name={made}", {
        "Image": BUSYBOX, "MacAddress": mac, "HostConfig": {"NetworkMode": front},
        "NetworkingConfig": {"EndpointsConfig": {front: {
            "Aliases": ["web"], "IPAMConfig": {"IPv4Address": address}}}}})
    assert status == 201, answer
    one = endpoint(davit, made, front)
    assert one["MacAddress"] == mac and "web" in one["Aliases"]
    assert one["IPAMConfig"]["IPv4Address"] == address


def test_prune_leaves_what_is_younger(cli, network):
    made = network("--label", "sweep=2")
    assert made not in cli("network", "prune", "-f", "--filter", "label=sweep=2", "--filter", "until=1h")
    assert made in cli("network", "ls", "--format", "{{.Name}}").split()
    assert made in cli("network", "prune", "-f", "--filter", "label=sweep=2", "--filter", "until=0s")


def test_networks_and_endpoints_survive_the_daemon(cli, engine, network, name):
    made, container = network("--subnet", "10.204.0.0/24"), name()
    cli("run", "-d", "--name", container, "--network", made, "-p", "127.0.0.1:18090:8080", TOOLBOX,
        *SERVE)
    before = endpoint(cli, container, made)
    engine.stop()
    engine.start()
    assert endpoint(cli, container, made) == before
    assert engine.sandbox.run("curl", "-sS", "-m", "5", "--retry", "5", "--retry-connrefused",
                              "http://127.0.0.1:18090/") == "served by toolbox\n"
    cli("rm", "-f", container)
    cli("network", "rm", made)
    assert not re.search(r"10\.204\.", engine.sandbox.run("ip", "address"))
