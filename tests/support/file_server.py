"""A local web server that misbehaves on request, and answers like a Google Cloud Storage bucket below /storage."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def send(self, status: int, body: bytes = b"", length: int | None = None, headers: dict | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        address = urlparse(self.path)
        counts = self.server.requests
        counts[address.path] = count = counts.get(address.path, 0) + 1
        match address.path.split("/")[1]:
            case "whole":
                self.send(200, CONTENT)
            case "short":  # says more than it sends, then hangs up
                self.send(200, CONTENT[:1000], length=len(CONTENT))
            case "short-once":
                self.send(200, CONTENT[:1000] if count == 1 else CONTENT, length=len(CONTENT))
            case "busy-twice":
                self.send(503 if count <= 2 else 200, CONTENT if count > 2 else b"")
            case "unsized":  # no Content-Length: ends when the connection does
                self.send_response(200)
                self.end_headers()
                self.wfile.write(CONTENT)
            case "forbidden":
                self.send(403, b"no")
            case "teapot":
                self.send(418, b"no")
            case "storage" | "download":
                self.bucket(address)
            case _:
                self.send(404, b"nothing here")
        self.close_connection = True

    def bucket(self, address) -> None:
        self.server.billed.append(parse_qs(address.query).get("userProject"))
        if self.server.billed[-1] != ["payer"]:
            self.send(
                400, json.dumps({"error": {"message": "User project specified is invalid.", "code": 400}}).encode()
            )
        elif "missing" in address.path:
            self.send(404, b"{}")
        elif "secret" in address.path:
            self.send(403, json.dumps({"error": {"message": "no access", "code": 403}}).encode())
        elif parse_qs(address.query).get("alt") == ["media"] or address.path.startswith("/download"):
            self.send(200, CONTENT)
        else:
            host = f"http://127.0.0.1:{self.server.server_port}/download/storage/v1/b/bucket/o/folder%2Ffile?alt=media"
            about = {"name": "folder/file", "bucket": "bucket", "size": str(len(CONTENT)), "mediaLink": host}
            self.send(200, json.dumps(about).encode(), headers={"Content-Type": "application/json"})


class FileServer(ThreadingHTTPServer):
    """``url(path)``: an address; ``requests``: how often each path was asked; ``billed``: who pays for the bucket."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: dict[str, int] = {}
        self.billed: list = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"
