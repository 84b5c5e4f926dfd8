"""A receiver of events in Python, with the standard library only: verify, remember, answer, and work afterwards."""

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST_BODY = 1024 * 1024
OLDEST_SECONDS = 300
KEY = base64.b64decode(os.environ["EVENTS_SECRET"].removeprefix("whsec_"))

# In production this is a unique key in your database.
taken = set()


def verify(headers, body):
    """Return the event, or raise ValueError when it is not from the bridge, or too old."""
    event_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if abs(time.time() - int(timestamp)) > OLDEST_SECONDS:
        raise ValueError("too old, or from the future")
    # The signature is over these very bytes. Do not parse them before it is verified.
    signed = f"{event_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    # While a secret is rotated there are two signatures.
    for signature in headers.get("webhook-signature", "").split():
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(value.encode(), expected.encode()):
            return json.loads(body)
    raise ValueError("no signature matches")


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers.get("content-length", 0))
        if size > LARGEST_BODY:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(size)
        try:
            event = verify(self.headers, body)
        except ValueError:
            return self.answer(400)
        self.answer(204)
        if event["id"] not in taken:
            taken.add(event["id"])
            end = event["data"]["end"]
            print(event["type"], event["data"]["callSid"], end["summary"] if end else "", flush=True)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("", int(os.environ.get("PORT", 8080))), Receiver)
    print("listening", flush=True)
    server.serve_forever()
