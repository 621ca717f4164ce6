# SPDX-License-Identifier: Apache-2.0
"""OCI image layouts written directly: small test images whose every tar entry is chosen by the test.

Used by the recipes beside it. Not thread-safe: one layout is written by one process.
"""
import dataclasses
import gzip
import hashlib
import io
import json
import pathlib
import subprocess
import tarfile

LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
EPOCH = 1_700_000_000  # one date for every entry: the same recipe gives the same digests


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def file(path, data=b"", mode=0o644, uid=0, gid=0, xattrs=None, mtime=EPOCH):
    """A regular file, as (entry, bytes)."""
    entry = _entry(path, tarfile.REGTYPE, mode, uid, gid, mtime)
    data = data.encode() if isinstance(data, str) else data
    entry.size = len(data)
    for name, value in (xattrs or {}).items():
        entry.pax_headers["SCHILY.xattr." + name] = value.decode("latin-1")
    return entry, data


def directory(path, mode=0o755, uid=0, gid=0):
    return _entry(path, tarfile.DIRTYPE, mode, uid, gid), None


def symlink(path, target):
    return _linked(path, target, tarfile.SYMTYPE, 0o777), None


def hardlink(path, target, mode=0o644):
    """A second name of a file of this layer or of one below (no leading slash); mode as the file's."""
    return _linked(path, target, tarfile.LNKTYPE, mode), None


def whiteout(path):
    parent, _, name = path.rpartition("/")
    return file(f"{parent}/.wh.{name}" if parent else f".wh.{name}")


def opaque(path):
    return file(f"{path}/.wh..wh..opq")


def device(path, kind, major, minor, mode=0o666):
    entry = _entry(path, {"c": tarfile.CHRTYPE, "b": tarfile.BLKTYPE}[kind], mode, 0, 0)
    entry.devmajor, entry.devminor = major, minor
    return entry, None


def tar(entries):
    """The bytes of an archive with these entries, in this order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry, data in entries:
            archive.addfile(entry, io.BytesIO(data) if data is not None else None)
    return out.getvalue()


@dataclasses.dataclass
class Blob:
    """One compressed layer with the digest of its contents."""

    data: bytes
    diff_id: str
    media_type: str


def layer(archive, compression="gzip", level=6):
    """The layer blob of an uncompressed archive; compression is gzip, zstd or none."""
    if compression == "gzip":
        data, suffix = gzip.compress(archive, level, mtime=0), "+gzip"
    elif compression == "zstd":
        data = subprocess.run(["zstd", "-q", "-3", "-c"], input=archive, stdout=subprocess.PIPE,
                              check=True).stdout
        suffix = "+zstd"
    else:
        data, suffix = archive, ""
    return Blob(data, digest(archive), LAYER + suffix)


class Layout:
    """A directory in the OCI image layout, filled blob by blob."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        (self.path / "blobs/sha256").mkdir(parents=True, exist_ok=True)
        (self.path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')

    def blob_path(self, name):
        return self.path / "blobs" / name.replace(":", "/")

    def read(self, name):
        return self.blob_path(name).read_bytes()

    def read_json(self, name):
        return json.loads(self.read(name))

    def put(self, data, media_type, **more):
        """Stores the bytes; returns their descriptor."""
        if not isinstance(data, bytes):
            data = json.dumps(data, indent=1, sort_keys=True).encode()
        name = digest(data)
        self.blob_path(name).write_bytes(data)
        return {"mediaType": media_type, "digest": name, "size": len(data), **more}

    def image(self, layers, config=None, architecture="amd64"):
        """Stores an image of these layer blobs; returns its manifest's descriptor."""
        image_config = {
            "architecture": architecture, "os": "linux", "created": "2026-01-01T00:00:00Z",
            "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in layers]},
            "history": [{"created": "2026-01-01T00:00:00Z", "created_by": f"layer {number}"}
                        for number in range(len(layers))],
        }
        return self.manifest(self.put(image_config, CONFIG),
                             [self.put(one.data, one.media_type) for one in layers], architecture)

    def manifest(self, config, layers, architecture="amd64"):
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
        return self.put(manifest, MANIFEST,
                        platform={"architecture": architecture, "os": "linux"})

    def index(self, manifests):
        """Stores an index of several platforms; returns its descriptor."""
        return self.put({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}, INDEX)

    def tag(self, descriptors):
        """Writes index.json: {tag: descriptor of a manifest or of an index}."""
        entries = []
        for name, one in descriptors.items():
            entry = {key: value for key, value in one.items() if key != "platform"}
            entries.append({**entry, "annotations": {"org.opencontainers.image.ref.name": name}})
        (self.path / "index.json").write_text(
            json.dumps({"schemaVersion": 2, "manifests": entries}, indent=1))

    def tags(self):
        """{tag: descriptor} of what index.json names."""
        entries = json.loads((self.path / "index.json").read_text())["manifests"]
        return {one["annotations"]["org.opencontainers.image.ref.name"]: one for one in entries}


def _entry(path, kind, mode, uid, gid, mtime=EPOCH):
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode, entry.uid, entry.gid, entry.mtime = kind, mode, uid, gid, mtime
    entry.pax_headers = {}
    return entry


def _linked(path, target, kind, mode):
    entry = _entry(path, kind, mode, 0, 0)
    entry.linkname = target
    return entry
