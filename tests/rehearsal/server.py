"""A server on loopback in place of the papers': a requester-pays bucket of Google Cloud Storage, and files over http.

The emulators that exist (gcp-storage-emulator 2026.7 was looked at) read whole objects into memory for every request
and do not ask who pays. Here objects are streamed from a folder, in ranges where a client wants them, and whoever names
no billing project is refused with Google's words.
"""

import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlparse

CHUNK = 1 << 20

REFUSAL = "Bucket is a requester pays bucket but no user project provided."


class Handler(BaseHTTPRequestHandler):
    """Files of ``folder/http`` below ``/``, and objects of ``folder/gs/BUCKET`` as the JSON API gives them."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self) -> None:
        address = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        found = re.fullmatch(r"(?:/download)?/storage/v1/b/([^/]+)/o/(.+)", address.path)
        if not found:
            return self.send_file(self.server.folder / "http" / address.path.lstrip("/"))
        self.server.requests.append((unquote(found[2]), query.get("userProject")))
        if not query.get("userProject"):
            return self.send_json(400, {"error": {"code": 400, "message": REFUSAL}})
        path = self.server.folder / "gs" / found[1] / unquote(found[2])
        if not path.is_file():
            return self.send_json(404, {"error": {"code": 404, "message": "Not Found"}})
        if query.get("alt") == "media" or address.path.startswith("/download"):
            return self.send_file(path)
        link = f"http://127.0.0.1:{self.server.server_port}/download{address.path}?alt=media"
        about = {"name": unquote(found[2]), "bucket": found[1], "size": str(path.stat().st_size), "mediaLink": link}
        return self.send_json(200, about)

    def send_json(self, status: int, content: dict) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_file(self, path: Path) -> None:
        """A file, or the part that the request names; the first answer of `Server.broken_once` breaks off halfway."""
        if not path.is_file():
            return self.send_json(404, {})
        size = path.stat().st_size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(wanted[1]) if wanted else 0
        last = min(int(wanted[2]), size - 1) if wanted and wanted[2] else size - 1
        if first >= size > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        left = last - first + 1
        with self.server.lock:
            broken = path.name in self.server.broken_once and left > 1
            self.server.broken_once.discard(path.name)
        if broken:
            left //= 2
            self.close_connection = True
        with path.open("rb") as file:
            file.seek(first)
            while left and (chunk := file.read(min(CHUNK, left))):
                self.wfile.write(chunk)
                left -= len(chunk)
        return None


class Server(ThreadingHTTPServer):
    """Serves ``folder`` until the block ends.

    ``requests``: object and billing project of every request to the bucket. ``broken_once``: names of files whose next
    transfer breaks off.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0, broken_once: set[str] = frozenset()):
        super().__init__(("127.0.0.1", port), Handler)
        self.folder, self.broken_once = folder, set(broken_once)
        self.requests: list[tuple[str, str | None]] = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address) -> None:
        """Say nothing of clients that hang up: they have what they wanted."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"
