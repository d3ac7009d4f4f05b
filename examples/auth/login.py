"""A login service, as small as one can be: it gives tokens to those who know a password, and publishes the keys that they
are signed with. What `keys/` holds when it is asked counts; the last key by name signs, all of them are published.

Keys are RSA keys in PEM, made by openssl, which signs as well: nothing must be installed beside Python."""

import base64
import json
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

ISSUER = "https://login.example"
# A real one has hashes of passwords, in a database.
USERS = {
    "ada": {"password": "analytical", "roles": ["editor", "reader"]},
    "bob": {"password": "builder", "roles": ["reader"]},
}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, stdin=b""):
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=True).stdout


def keys():
    return sorted(Path("keys").glob("*.pem"))


def jwk(key):
    """The public half, named as its file is."""
    modulus = openssl("rsa", "-in", str(key), "-noout", "-modulus").decode().strip().removeprefix("Modulus=")
    exponent = (65537).to_bytes(3, "big")
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": key.stem,
        "n": base64url(bytes.fromhex(modulus)),
        "e": base64url(exponent),
    }


def token(user):
    key = keys()[-1]
    now = int(time.time())
    header = {"alg": "RS256", "typ": "JWT", "kid": key.stem}
    claims = {"iss": ISSUER, "aud": "reports", "sub": user, "roles": USERS[user]["roles"], "iat": now, "exp": now + 600}
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return signed + "." + base64url(openssl("dgst", "-sha256", "-sign", str(key), stdin=signed.encode()))


class Login(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/.well-known/jwks.json":
            self.answer(200, "application/json", json.dumps({"keys": [jwk(key) for key in keys()]}))
        else:
            self.answer(404, "text/plain", "not here\n")

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
        user, password = form.get("user", [""])[0], form.get("password", [""])[0]
        if self.path == "/token" and user in USERS and USERS[user]["password"] == password:
            self.answer(200, "text/plain", token(user))
        else:
            self.answer(403, "text/plain", "no\n")

    def answer(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Login).serve_forever()
