"""An API of orders. It checks nothing, hides nothing, and says no word of pages of other origins."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# As somebody wrote it: with spaces, and prices to the cent.
ORDER = '{ "id": %d, "item": "%s", "price": %d.50, "card": "411111111111%04d" }'
ITEMS = ["axle", "brass wheel", "punched card", "pinion"]


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        number = self.path.removeprefix("/orders/")
        if number.isdigit():
            return self.answer(200, self.order(int(number)))
        self.answer(200, "[\n" + ",\n".join(self.order(number) for number in range(1, 41)) + "\n]")

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(201, json.dumps({"id": 41} | order))

    def order(self, number):
        return ORDER % (number, ITEMS[number % len(ITEMS)], number % 90 + 10, number)

    def answer(self, status, text):
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
