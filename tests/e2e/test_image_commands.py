# SPDX-License-Identifier: Apache-2.0
"""`tag`, `history`, `image prune` and the filters of `images` through every command line."""
import collections
import json
import re
import threading
import time

import pytest

from conftest import REGISTRY

LAYERS = f"{REGISTRY}/layers"
BUSYBOX = f"{REGISTRY}/busybox:latest"


def test_tag_gives_an_image_one_more_name(cli):
    cli("pull", "-q", LAYERS)
    cli("tag", LAYERS, "other/name:1")
    assert cli.inspect("other/name:1")["Id"] == cli.inspect(LAYERS)["Id"]
    assert cli("rmi", "other/name:1") == "Untagged: other/name:1"
    assert cli.inspect(LAYERS)["RepoTags"] == [f"{LAYERS}:latest"]


def test_tag_without_a_tag_means_latest_and_moves(cli):
    cli("pull", "-q", LAYERS)
    cli("tag", BUSYBOX, "moving")
    cli("tag", LAYERS, "moving")
    assert cli.inspect("moving:latest")["Id"] == cli.inspect(LAYERS)["Id"]
    cli("rmi", "moving", LAYERS)


def test_rmi_goes_at_once_when_its_last_container_is_removed(cli, name):
    cli("pull", "-q", LAYERS)
    made = name()
    cli("run", "-d", "--name", made, LAYERS, "sleep", "300")
    cli("rm", "-f", made)
    assert "Deleted: " in cli("rmi", LAYERS)


def test_tag_of_what_is_not_there_is_an_error(cli):
    assert "No such image: no-such:latest" in cli.fails("tag", "no-such", "other", code=1)
    assert "invalid reference format" in cli.fails("tag", BUSYBOX, "Not/Lower", code=1)


def test_rmi_of_an_id_with_two_repositories_must_be_forced(cli):
    cli("pull", "-q", LAYERS)
    cli("tag", LAYERS, "second")
    identity = cli("images", "-q", LAYERS)
    assert "must be forced" in cli.fails("rmi", identity, code=1)
    out = cli("rmi", "-f", identity)
    assert f"Untagged: {LAYERS}:latest" in out and "Untagged: second:latest" in out


def test_history_tells_every_step_newest_first(cli):
    cli("pull", "-q", LAYERS)
    steps = [json.loads(line) for line in
             cli("history", "--no-trunc", "--format", "{{json .}}", LAYERS).splitlines()]
    assert steps[0]["ID"] == cli.inspect(LAYERS)["Id"]
    assert all(step["ID"] == "<missing>" for step in steps[1:])
    assert len(steps) >= len(cli.inspect(LAYERS)["RootFS"]["Layers"])
    assert cli("history", "-q", LAYERS).splitlines()[0] == cli("images", "-q", LAYERS)


def test_images_before_since_and_until(cli):
    cli("pull", "-q", LAYERS)
    ordered = sorted((BUSYBOX, LAYERS), key=lambda name: cli.inspect(name)["Created"])
    created = [cli.inspect(name)["Created"] for name in ordered]
    if created[0] != created[1]:
        assert cli("images", "-q", "-f", f"before={ordered[1]}", ordered[0])
        assert not cli("images", "-q", "-f", f"since={ordered[1]}", ordered[0])
    assert "No such image" in cli.fails("images", "-f", "before=no-such", code=1)
    assert "invalid filter" in cli.fails("images", "-f", "nonsense=1", code=1)


def test_images_by_reference_label_and_dangling(cli):
    cli("pull", "-q", LAYERS)
    cli("tag", LAYERS, "team/app:1.0")
    assert cli("images", "--format", "{{.Repository}}:{{.Tag}}", "-f",
               "reference=team/*:1.*") == "team/app:1.0"
    assert cli("images", "-q", "-f", "label=no.such.label") == ""
    assert cli("images", "-q", "-f", "dangling=true", "-f", f"reference={LAYERS}") == ""
    cli("rmi", "team/app:1.0")


def test_prune_removes_what_has_no_name(cli, engine):
    cli("pull", "-q", LAYERS)
    before = len(engine.images())
    cli("tag", BUSYBOX, f"{LAYERS}:latest")  # the name moves: what it named is left nameless
    assert len(engine.images()) == before
    out = cli("image", "prune", "-f")
    assert "deleted: sha256:" in out and "Total reclaimed space:" in out
    assert len(engine.images()) == before - 1
    cli("rmi", f"{LAYERS}:latest")


def test_prune_all_keeps_what_containers_use(cli, name, engine):
    cli("pull", "-q", LAYERS)
    kept = name()
    cli("create", "--name", kept, LAYERS)
    cli("image", "prune", "-af", "--filter", "label!=no.such.label", "--filter", "until=1h",
        "--filter", "label=no.such.label")
    assert cli("images", "-q", LAYERS)
    cli("rm", kept)


def test_prune_asks_first(cli):
    cli("pull", "-q", LAYERS)
    assert "WARNING!" in cli("image", "prune", "-a", stdin="n\n")
    assert cli("images", "-q", LAYERS)


@pytest.mark.davit_only  # dockerd 20.10 tells no prune and other words
def test_events_of_an_images_life(cli, engine):
    cli("pull", "-q", LAYERS)
    identity = cli.inspect(LAYERS)["Id"]
    seen = []
    follower = cli.start("events", "--filter", "type=image", "--format", "{{json .}}")
    reader = threading.Thread(target=lambda: seen.extend(follower.stdout))
    reader.start()
    for attempt in range(100):  # until the follower is there
        cli("tag", LAYERS, "heard")
        if seen:
            break
    cli("rmi", "heard")
    cli("rmi", LAYERS)
    for _ in range(100):
        if b'"delete"' in (seen[-1] if seen else b""):
            break
        threading.Event().wait(0.05)
    follower.terminate()
    follower.wait()
    reader.join()
    told = [json.loads(line) for line in seen]
    actions = [event.get("Action") or event["status"] for event in told]
    assert actions[0] == "tag" and told[0]["Actor"]["ID"] == identity
    assert told[0]["Actor"]["Attributes"]["name"] == "heard:latest"
    assert actions[-3:] == ["untag", "untag", "delete"] or actions[-2:] == ["untag", "delete"]
    assert told[-1]["Actor"]["ID"] == identity


def fetched_by(engine, host, count):
    """How often the registry gave each blob to `count` pulls at once; the image is gone afterwards."""
    log = host[1] / "registry-5000.log"
    before = log.stat().st_size
    answers = []

    def pull():
        answers.append(engine.request("POST", f"/v1.41/images/create?fromImage={LAYERS}&tag=latest"))
    pulls = [threading.Thread(target=pull) for _ in range(count)]
    for one in pulls:
        one.start()
    for one in pulls:
        one.join()
    assert all(status == 200 and "errorDetail" not in str(text) for status, text in answers)
    time.sleep(0.5)  # the log is written behind the answer
    assert engine.request("DELETE", f"/v1.41/images/{LAYERS}?force=1")[0] == 200
    return collections.Counter(re.findall(r'"GET /v2/layers/blobs/(sha256:[0-9a-f]+)',
                                          log.read_text()[before:]))


@pytest.mark.davit_only
def test_many_pulls_at_once_fetch_no_more_than_one(engine, host):
    alone = fetched_by(engine, host, 1)  # layers that need their parent come twice
    assert len(alone) >= 4
    assert fetched_by(engine, host, 20) == alone


def test_pull_of_every_tag(cli, engine):
    cli("pull", "-q", "--all-tags", LAYERS)
    tags = cli("images", "--format", "{{.Tag}}", LAYERS).split()
    assert {"latest", "zstd", "lower-link"} <= set(tags)
    cli("rmi", "-f", *[f"{LAYERS}:{tag}" for tag in tags])
