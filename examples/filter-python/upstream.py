"""A service that says what reached it."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        words = f"GET in {self.headers.get('x-language', 'no')} language\n".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(words)))
        self.end_headers()
        self.wfile.write(words)


ThreadingHTTPServer(("127.0.0.1", 8495), Service).serve_forever()
