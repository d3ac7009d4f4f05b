"""A collector of traces: takes OTLP over HTTP, decodes it with OpenTelemetry's own messages, and tells what it got."""

import gzip
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service

PATIENCE = 30
news = threading.Condition()
requests, spans = [], []
# What is answered before all is well again: status, fields, whether only when it is released, and how many spans are
# rejected.
answers = []
released = threading.Semaphore(0)


def value(of):
    return getattr(of, of.WhichOneof("value"))


def attributes(of):
    named = {attribute.key: value(attribute.value) for attribute in of}
    assert len(named) == len(of), "a name stands twice"
    return named


def plain(resource, scope, span):
    return {
        "resource": attributes(resource.attributes), "scope": scope.name,
        "trace": span.trace_id.hex(), "id": span.span_id.hex(), "parent": span.parent_span_id.hex(),
        "state": span.trace_state, "name": span.name, "kind": span.kind, "flags": span.flags,
        "began": span.start_time_unix_nano, "ended": span.end_time_unix_nano,
        "attributes": attributes(span.attributes),
        "events": {event.name: dict(attributes(event.attributes), at=event.time_unix_nano) for event in span.events},
        "status": span.status.code, "message": span.status.message,
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", fields=()):
        self.send_response(status)
        for name, text in fields:
            self.send_header(name, text)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        what, _, count = self.path[1:].partition("/")
        known = {"spans": spans, "requests": requests}[what]
        with news:
            news.wait_for(lambda: len(known) >= int(count), PATIENCE)
            body = json.dumps(known).encode()
        self.answer(200, body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/next":
            with news:
                answers.extend(json.loads(body))
            return self.answer(200, b"{}")
        if self.path == "/release":
            released.release()
            return self.answer(200, b"{}")
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        export = service.ExportTraceServiceRequest.FromString(body)
        got = [plain(of.resource, per.scope, span)
               for of in export.resource_spans for per in of.scope_spans for span in per.spans]
        with news:
            status, fields, waits, rejected = answers.pop(0) if answers else (200, {}, False, 0)
            requests.append({"path": self.path, "fields": {name.lower(): text for name, text in self.headers.items()},
                             "spans": len(got), "status": status, "at": time.monotonic()})
            news.notify_all()
        if waits:
            released.acquire(timeout=PATIENCE)
        with news:
            if status == 200:
                spans.extend(got[rejected:])
            news.notify_all()
        answer = service.ExportTraceServiceResponse()
        if rejected:
            answer.partial_success.rejected_spans = rejected
            answer.partial_success.error_message = "too old"
        self.answer(status, answer.SerializeToString(), "application/x-protobuf", fields.items())


class Server(ThreadingHTTPServer):
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
