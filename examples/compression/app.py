"""The service behind the proxy. It knows nothing of compression: not how to compress, nor how to read what is compressed."""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORDERS = [{"id": number, "status": "shipped", "total": 100 * number % 997} for number in range(500)]


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/events":
            self.events()
        else:
            self.tell("application/json", json.dumps(ORDERS) + "\n")

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.tell("text/plain", f"{len(body)} bytes, coding: {self.headers.get('Content-Encoding', 'none')}\n")

    def tell(self, kind, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"7"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def events(self):
        """One every tenth of a second, until nobody listens."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for number in range(1000):
                self.wfile.write(f"data: {number}\n\n".encode())
                time.sleep(0.1)
        except OSError:
            pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), App).serve_forever()
