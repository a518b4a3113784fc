"""The same text as different programs save it; every reader reads all of them."""

import gzip

DISGUISES = {
    "byte order mark": lambda text: text.encode("utf-8-sig"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "line ends of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "line ends of old Macs": lambda text: text.replace("\n", "\r").encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "blank lines around it": lambda text: f"\n\n{text}\n\n".encode(),
}
