# SPDX-License-Identifier: Apache-2.0
"""Recipe of the image with volumes: what an image brings into them, and the places that are special."""
import oci
import small


def volumes(layout):
    """volumes: VOLUME over a tree, over an empty directory, over nothing; and through a link out."""
    config = {"Env": [small.PATH], "Cmd": ["sh"]}
    base = small.busybox_layer()
    files = oci.layer(oci.tar([
        oci.directory("data", 0o750, 1234, 800),
        oci.file("data/plain", "from the image\n", 0o640, 1234, 1234),
        oci.hardlink("data/linked", "data/plain", 0o640),
        oci.symlink("data/absolute", "/etc/passwd"),
        oci.directory("data/sub", 0o2775, 0, 800),
        oci.file("data/sub/setuid", "#!\n", 0o4755, xattrs={"user.note": b"kept"}),
        oci.directory("empty", 0o700, 1234, 1234),
        oci.symlink("out", "/"),
        oci.file("file", "not a directory\n"),
    ]))
    places = {"/data": {}, "/empty": {}, "/nothing/there": {}}
    layout.tag({"latest": layout.image([base, files], config | {"Volumes": places}),
                "plain": layout.image([base, files], config),
                "out": layout.image([base, files], config | {"Volumes": {"/out": {}}})})
