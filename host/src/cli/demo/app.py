"""A small server to put behind Weir: /hello, /echo and /clock on 127.0.0.1:9000."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class App(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/clock":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for tick in range(1, 6):
                line = f"tick {tick}\n".encode()
                self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                self.wfile.flush()
                time.sleep(0.5)
            self.wfile.write(b"0\r\n\r\n")
            return
        request_id = self.headers.get("x-request-id", "none")
        self.answer(f"hello from behind the proxy\npath: {self.path}\nx-request-id: {request_id}\n".encode())

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))


ThreadingHTTPServer(("127.0.0.1", 9000), App).serve_forever()
