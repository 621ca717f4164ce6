# SPDX-License-Identifier: Apache-2.0
"""A token server for docker-registry's token authentication, small but real: it signs what the registry verifies.

    token_server.py PORT KEY.pem CERTIFICATE.pem LOG

alice:secret may pull, push and delete everything; everybody may pull what lies under public/. A refresh token is given
to alice, and taken from her. Every request is a line in LOG: "GET user scope…". Standard library and openssl(1) only.
"""
import base64
import http.server
import json
import subprocess
import sys
import time
import urllib.parse

PORT, KEY, CERTIFICATE, LOG = int(sys.argv[1]), *sys.argv[2:5]
PASSWORDS = {"alice": "secret"}
REFRESH = "refresh-of-alice"


def url_base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def certificate_der():
    text = open(CERTIFICATE).read()
    return "".join(text.split("-----")[2].split())


def granted(user, scope):
    kind, name, actions = scope.split(":", 2)
    allowed = {"pull", "push", "delete"} if user else ({"pull"} if name.startswith("public/") else set())
    return {"type": kind, "name": name, "actions": [a for a in actions.split(",") if a in allowed]}


def signed_token(user, service, scopes):
    now = int(time.time())
    header = {"typ": "JWT", "alg": "RS256", "x5c": [certificate_der()]}
    claims = {"iss": "test-issuer", "sub": user, "aud": service, "exp": now + 300, "nbf": now - 10, "iat": now,
              "jti": str(time.time_ns()), "access": [granted(user, scope) for scope in scopes]}
    signed = ".".join(url_base64(json.dumps(part).encode()) for part in (header, claims))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", KEY], input=signed.encode(),
                               stdout=subprocess.PIPE, check=True).stdout
    return signed + "." + url_base64(signature)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        user = ""
        authorization = self.headers.get("Authorization", "")
        if authorization.startswith("Basic "):
            user, _, password = base64.b64decode(authorization[6:]).decode().partition(":")
            if PASSWORDS.get(user) != password:
                return self.answer(401, {"details": "wrong password"})
        extra = {"refresh_token": REFRESH} if user and "offline_token" in query else {}
        self.grant(user, query, extra)

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if form.get("grant_type") != ["refresh_token"] or form.get("refresh_token") != [REFRESH]:
            return self.answer(401, {"details": "wrong token"})
        form["scope"] = form.get("scope", [""])[0].split()
        self.grant("alice", form, {})

    def grant(self, user, query, extra):
        scopes = query.get("scope", [])
        with open(LOG, "a") as log:
            log.write(" ".join([self.command, user or "-", *scopes]) + "\n")
        self.answer(200, {"token": signed_token(user, query["service"][0], scopes), "expires_in": 300, **extra})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
