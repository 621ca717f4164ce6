# SPDX-License-Identifier: Apache-2.0
"""A registry of the test's own: serves OCI layouts, and misbehaves where it is told to."""
import http.server
import json
import re
import threading

import oci


class OwnRegistry:
    """Serves one layout under every repository name. `faults` is {digest: fault}; `requests` the log.

    Faults: "missing" (404), "flipped" (a byte changed), "short" (ends early, as complete), ("cut", n)
    (the connection breaks after half the blob, n times), "gone" (half the blob, and no answer ever after), ("body", bytes) (these bytes instead),
    ("redirect", url).
    """

    def __init__(self, sandbox, layout):
        self.layout, self.faults, self.requests = layout, {}, []
        with sandbox.network():
            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def _handler(registry):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            registry.requests.append((self.command, self.path, dict(self.headers)))
            if self.path.rstrip("/") == "/v2":
                return self.send(200, "application/json", b"{}", body)
            found = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", self.path)
            if not found:
                return self.send(404, "application/json", b"{}", body)
            _, kind, reference = found.groups()
            tags = registry.layout.tags()
            name = tags[reference]["digest"] if reference in tags else reference
            media_type = "application/octet-stream"
            try:
                data = registry.layout.read(name)
                if kind == "manifests":
                    media_type = json.loads(data).get("mediaType", oci.MANIFEST)
            except (OSError, ValueError):
                return self.send(404, "application/json", b"{}", body)
            return self.with_fault(registry.faults.get(name), name, media_type, data, body)

        def with_fault(self, fault, name, media_type, data, body):
            if fault == "missing":
                return self.send(404, "application/json", b"{}", body)
            if fault == "flipped":
                middle = len(data) // 2
                data = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]
            elif fault == "short":
                data = data[:len(data) // 2]
            elif isinstance(fault, tuple) and fault[0] == "body":
                data = fault[1]
            elif isinstance(fault, tuple) and fault[0] == "redirect":
                return self.send(307, media_type, b"", body, {"Location": fault[1]})
            elif fault == "gone!":
                self.close_connection = True
                return None
            first, status, more = self.range_of(data)
            if fault == "gone" and body:
                registry.faults[name] = "gone!"
                fault = ("cut", 1)
            more["Docker-Content-Digest"] = name
            if isinstance(fault, tuple) and fault[0] == "cut" and fault[1] > 0 and body:
                if registry.faults[name] != "gone!":
                    registry.faults[name] = ("cut", fault[1] - 1)
                self.send(status, media_type, data[first:], False, more)
                self.wfile.write(data[first:first + max(1, (len(data) - first) // 2)])
                self.wfile.flush()
                self.close_connection = True
                return None
            return self.send(status, media_type, data[first:], body, more)

        def range_of(self, data):
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if not found:
                return 0, 200, {"Accept-Ranges": "bytes"}
            first = int(found[1])
            return first, 206, {"Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}

        def send(self, status, media_type, data, body, more=None):
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(data)))
            for key, value in (more or {}).items():
                self.send_header(key, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

    return Handler
