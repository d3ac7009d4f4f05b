"""The service behind the proxy. It checks nothing: who asks stands in fields that only the proxy sets."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.tell("reads")

    def do_PUT(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.tell("writes")

    def tell(self, does):
        body = f"{self.headers.get('X-User', 'nobody')} {does} {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()
