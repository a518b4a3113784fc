"""A headless Chromium, driven through chromedriver by the W3C WebDriver protocol (plain HTTP and JSON)."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

TAB, ENTER, SPACE = "\ue004", "\ue007", " "
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The protocol's name for an element in JSON."""


def chromium() -> str | None:
    """Path of the browser, if it and its driver are installed."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return found if shutil.which("chromedriver") else None


class Browser:
    """One browser window; `close` ends it and its driver."""

    def __init__(self, profile: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.address = f"http://127.0.0.1:{port}"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        arguments += [f"--user-data-dir={profile}", "--host-resolver-rules=MAP * ~NOTFOUND"]
        options = {"args": arguments, "binary": chromium()}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        try:
            self._wait_for_driver()
            session = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        except Exception:
            self.driver.kill()
            raise
        self.session = f"/session/{session['sessionId']}"

    def _wait_for_driver(self) -> None:
        for _ in range(100):
            try:
                if self._send("GET", "/status")["ready"]:
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        raise RuntimeError("chromedriver does not answer")

    def _send(self, method: str, path: str, content: dict | None = None):
        body = json.dumps(content).encode() if content is not None else None
        request = urllib.request.Request(self.address + path, body, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def resize(self, width: int, height: int) -> None:
        """Width and height of the page in CSS pixels; a window could not be as narrow as a phone."""
        sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", sizes)

    def devtools(self, command: str, parameters: dict) -> dict:
        return self._send("POST", f"{self.session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, path: Path) -> None:
        self._send("POST", f"{self.session}/url", {"url": path.resolve().as_uri()})

    def run(self, script: str, *arguments):
        """Value that a piece of JavaScript returns."""
        return self._send("POST", f"{self.session}/execute/sync", {"script": script, "args": list(arguments)})

    def wait_for(self, script: str, seconds: float = 5) -> None:
        """Wait until a piece of JavaScript returns something true."""
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {script}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press a key, as a person without a mouse would."""
        press = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self._send("POST", f"{self.session}/actions", {"actions": [{"type": "key", "id": "keys", "actions": press}]})

    def errors(self) -> list[str]:
        """What the console says at the level of warnings and errors."""
        entries = self._send("POST", f"{self.session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def screenshot(self, target: Path) -> None:
        """The part of the page in view, as PNG."""
        target.write_bytes(base64.b64decode(self._send("GET", f"{self.session}/screenshot")))

    def close(self) -> None:
        try:
            self._send("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait(20)
