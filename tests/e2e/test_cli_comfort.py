# SPDX-License-Identifier: Apache-2.0
"""What makes davit pleasant: manual pages, completion, docker's CLI plugins."""
import json
import re
import shutil
import subprocess

import pytest
from conftest import BUILD, COMMON_IMAGES
from harness.cli import Cli

pytestmark = pytest.mark.davit_only
BUSYBOX = COMMON_IMAGES[0]

PLUGIN = """#!/bin/sh
if [ "$1" = docker-cli-plugin-metadata ]; then
  echo '{"SchemaVersion": "0.1.0", "Vendor": "the test", "Version": "v1", "ShortDescription": "Say hello"}'
  exit 0
fi
echo "words: $*"
echo "host: $DOCKER_HOST context: $DOCKER_CONTEXT from: $DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND"
exit 5
"""


@pytest.fixture
def plugins(davit):
    folder = davit.config / "cli-plugins"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def add_plugin(folder, name, text):
    program = folder / f"docker-{name}"
    program.write_text(text)
    program.chmod(0o755)


def test_docker_s_plugins_are_davit_s_commands(davit, plugins):
    add_plugin(plugins, "hello", PLUGIN)
    done = davit.run("hello", "--name", "x", "y", DOCKER_CONTEXT="elsewhere", DOCKER_HOST="unix:///wrong")
    assert done.code == 5
    assert done.out.splitlines() == ["words: hello --name x y",
                                     f"host: {davit.engine.host} context:  from: davit"]


def test_a_plugin_that_does_not_speak_the_protocol_is_named(davit, plugins):
    add_plugin(plugins, "broken", "#!/bin/sh\necho nothing\n")
    done = davit.run("broken")
    assert done.code == 1 and "docker-broken: it does not say what docker's CLI plugins say" in done.err
    done = davit.run("../../bin/sh")
    assert done.code == 1 and "unknown command" in done.err


def test_a_plugin_does_not_take_a_command_s_place(davit, plugins):
    add_plugin(plugins, "ps", PLUGIN)
    assert davit("ps", "-q") == ""


def complete(davit, *words):
    return davit("__complete", *words).splitlines()


def test_completion_offers_what_there_is(davit, name):
    container = name("shown")
    davit("create", "--name", container, BUSYBOX)
    assert container in complete(davit, "start", "sho")
    assert BUSYBOX in complete(davit, "run", "127")
    assert complete(davit, "driver", "inspect", "bri") == ["bridge"]
    assert complete(davit, "run", "--network", "non") == ["none"]
    assert complete(davit, "context", "use", "d") == ["default"]
    assert "--filter" in complete(davit, "ps", "--f")
    assert "prune" in complete(davit, "container", "p")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_each_shell_asks_davit(davit, shell, name):
    folder = BUILD.parent.parent / "cli/completion"
    scripts = {
        "bash": f'source {folder}/davit.bash; COMP_WORDS=(davit container ins); COMP_CWORD=2; _davit; '
                'echo "${COMPREPLY[@]}"',
        "fish": f"source {folder}/davit.fish; complete -C 'davit container ins'",
        "zsh": f"compadd() {{ shift; print -- $@ }}; words=(davit container ins); CURRENT=3; "
               f"source {folder}/_davit",
    }
    done = subprocess.run(davit.engine.sandbox.enter(shell, "-c", scripts[shell]), capture_output=True,
                          text=True, env=davit.environment | {
                              "PATH": f"{BUILD}/bin:{davit.environment['PATH']}",
                              "DAVIT_HOST": davit.engine.host})
    assert done.stdout.split() == ["inspect"], done


def test_there_is_a_manual_page_for_every_command(davit, tmp_path):
    davit("__manual", tmp_path)
    pages = {path.name for path in tmp_path.iterdir()}
    listed = re.findall(r"^\.BR (\S+) \(1\)$", (tmp_path / "davit.1").read_text(), re.M)
    assert {"davit.1", *(page.replace("\\-", "-") + ".1" for page in listed)} == pages
    for flag in re.findall(r"--([a-z-]+)", davit("run", "--help")):
        assert "\\-\\-" + flag.replace("-", "\\-") in (tmp_path / "davit-run.1").read_text(), flag
    for page in tmp_path.iterdir():
        done = subprocess.run(["groff", "-k", "-man", "-Tutf8", "-ww", "-z", page],
                              capture_output=True, text=True)
        assert done.returncode == 0 and not done.stderr, done


def test_davit_info_and_version_say_what_docker_s_say(davit, docker):
    ours, theirs = (json.loads(one("info", "--format", "{{json .}}")) for one in (davit, docker))
    of_the_client = {"ClientInfo", "KernelMemory", "KernelMemoryTCP", "BridgeNfIptables", "BridgeNfIp6tables"}
    assert set(theirs) - set(ours) <= of_the_client, set(theirs) - set(ours)
    assert davit("version", "--format", "{{.Server.Version}}") == docker(
        "version", "--format", "{{.Server.Version}}")
