"""An authority for access in one process: it publishes keys, describes itself, introspects tokens and decides policies over
HTTP or HTTPS, and makes and judges tokens with PyJWT. Each line of its input is an order in JSON; the answer is a line of its
output. It ends with its input.
"""

import base64
import hashlib
import hmac
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives import serialization

PATIENCE = 30
news = threading.Condition()
# All under `news`: what was asked, what is answered instead of the usual, what is published.
requests, rules, published, known_tokens = [], [], [], {}
keys = {}
client = {"id": "weir", "secret": "an introspection secret"}
base = ""

GENERATED = {
    "RS": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "PS": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ES384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ES512": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "EdDSA": ["ED25519"],
}


def encoded(some):
    return base64.urlsafe_b64encode(some).rstrip(b"=").decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Key:
    def __init__(self, kid, alg):
        self.kid, self.alg, self.by = kid, alg, jwt.get_algorithm_by_name(alg)
        if alg.startswith("HS"):
            # Printable, so that it can be written into a file or a variable.
            self.private = self.public = encoded(os.urandom(48)).encode()
            self.private_pem = self.public_pem = ""
            self.private_jwk = self.jwk = {"kty": "oct", "kid": kid, "k": encoded(self.private)}
            return
        how = GENERATED.get(alg) or GENERATED[alg[:2]]
        made = subprocess.run(["openssl", "genpkey", "-algorithm", *how], check=True, capture_output=True).stdout
        self.private_pem = made.decode()
        self.private = serialization.load_pem_private_key(made, None)
        self.public = self.private.public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public_pem = self.public.public_bytes(serialization.Encoding.PEM, form).decode()
        self.jwk = {"kid": kid, "use": "sig", **jwk_of(self.by, self.public)}
        self.private_jwk = jwk_of(self.by, self.private)

    def about(self):
        return {"private_pem": self.private_pem, "public_pem": self.public_pem,
                "jwk": self.jwk, "private_jwk": self.private_jwk}


def jwk_of(by, key):
    jwk = by.to_jwk(key, as_dict=True)
    return {name: value for name, value in jwk.items() if name != "key_ops"}


def form_of(body):
    return {name: values[0] for name, values in urllib.parse.parse_qs(body, keep_blank_values=True).items()}


def is_client(authorization):
    """RFC 6749, 2.3.1: the id and the secret are form-encoded before they become a Basic credential."""
    scheme, _, credential = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return credential == client.get("bearer")
    pair = [urllib.parse.quote_plus(client[part]) for part in ("id", "secret")]
    return scheme.lower() == "basic" and credential == base64.b64encode(":".join(pair).encode()).decode()


def usual(method, path, fields, body):
    """What is answered unless a rule says otherwise: a status and something that becomes JSON."""
    if (method, path) == ("GET", "/jwks"):
        return 200, {"keys": list(published)}
    if (method, path) == ("GET", "/.well-known/openid-configuration"):
        return 200, {"issuer": base, "jwks_uri": base + "/jwks", "introspection_endpoint": base + "/introspect"}
    if (method, path) == ("POST", "/introspect"):
        if not is_client(fields.get("authorization")):
            return 401, {"error": "invalid_client"}
        return 200, known_tokens.get(form_of(body).get("token"), {"active": False})
    if (method, path) == ("POST", "/authorize"):
        return 200, {"allow": False}
    return 404, {"error": "not here"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        path = self.path.partition("?")[0]
        fields = {name.lower(): value for name, value in self.headers.items()}
        with news:
            requests.append({"method": self.command, "path": path, "target": self.path, "fields": fields, "body": body})
            news.notify_all()
            fits = [rule for rule in rules if rule["path"] == path and rule.get("when", "") in body]
            rule = fits[-1] if fits else {}
            if rule.get("hold"):
                # Then all is as usual again.
                news.wait_for(lambda: not rule["hold"], PATIENCE)
            status, answer = usual(self.command, path, fields, body)
        if rule.get("hang_up"):
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        kind = "application/json"
        if "text" in rule:
            answer, kind = rule["text"], "text/html"
        elif "huge" in rule:
            answer = "[" + " " * rule["huge"] + "]"
        else:
            answer = json.dumps(rule.get("json", answer))
        answer = answer.encode()
        self.send_response(rule.get("status", status))
        for name, value in {"Content-Type": kind, **rule.get("fields", {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        """A peer that goes away is none of ours."""


def verdict(token, of):
    """What PyJWT says of a token, with the key that is published under its `kid`."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = next((keys[known["kid"]] for known in published if known["kid"] == kid), None)
        if key is None:
            return {"accepted": False, "why": "no such key"}
        options = {"require": of.get("required", [])}
        jwt.decode(token, key.public, algorithms=of["algorithms"], audience=of.get("audience"),
                   issuer=of.get("issuer"), leeway=of.get("leeway", 0), options=options)
        return {"accepted": True}
    except Exception as error:  # whatever it is, it is not accepted
        return {"accepted": False, "why": repr(error)}


def heard(path):
    return [request for request in requests if request["path"] == path]


def follow(order):
    do = order.pop("do")
    if do == "key":
        keys[order["kid"]] = key = Key(order["kid"], order["alg"])
        return key.about()
    if do == "token":
        key = keys[order["kid"]]
        header = {name: value for name, value in {"kid": key.kid, **order["header"]}.items() if value is not None}
        return jwt.encode(order["claims"], key.private, order["alg"], header)
    if do == "sign":
        by = jwt.get_algorithm_by_name(order["alg"])
        return encoded(by.sign(order["input"].encode(), keys[order["kid"]].private))
    if do == "hmac":
        digest = getattr(hashlib, "sha" + order["alg"][2:])
        return encoded(hmac.new(decoded(order["key"]), order["input"].encode(), digest).digest())
    if do == "verdict":
        return verdict(order["token"], order["rules"])
    with news:
        if do == "publish":
            published[:] = order["keys"]
        elif do == "introspects":
            known_tokens[order["token"]] = order["answer"]
        elif do == "client":
            client.clear()
            client.update(order["client"])
        elif do == "answer":
            rules.append(order)
        elif do == "mend":
            for rule in [rule for rule in rules if rule["path"] == order["path"]]:
                rule["hold"] = False
                rules.remove(rule)
            news.notify_all()
        elif do == "requests":
            news.wait_for(lambda: len(heard(order["path"])) >= order["count"], PATIENCE)
            return heard(order["path"])
        else:
            raise ValueError(f"nobody knows how to {do}")


server = Server(("127.0.0.1", 0), Handler)
scheme = "http"
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    # The handshake is done by the connection's own thread, so that a peer that says nothing holds up nobody.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "https"
base = f"{scheme}://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps(server.server_port), flush=True)
for line in sys.stdin:
    try:
        answer = {"done": follow(json.loads(line))}
    except Exception as error:  # the test is told, and says what it asked
        answer = {"failed": repr(error)}
    print(json.dumps(answer), flush=True)
