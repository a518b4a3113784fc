"""Downloads against a local server: what arrives whole, and that every failure says what to do and leaves no file."""

import hashlib
import logging
import resource
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from file_server import CONTENT, FileServer

from regulens.core.errors import InputError
from regulens.data.download import download, read_lock
from regulens.data.settings import DownloadSettings, Source

SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = "0" * 64
SETTINGS = DownloadSettings(retries=2)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("REGULENS_MIRROR", raising=False)
    monkeypatch.setattr("regulens.data.download.BACKOFF_S", 0.001)
    with FileServer() as running:
        yield running
        running.shutdown()


@contextmanager
def fails(folder, *parts: str):
    """The block raises an InputError whose message has all parts, and leaves no file in ``folder``."""
    with pytest.raises(InputError) as caught:
        yield
    for part in parts:
        assert part in str(caught.value)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_https_route_writes_the_whole_file(server, tmp_path):
    download("a/b.bin", Source(url=server.url("whole"), sha256=SHA256), tmp_path / "x" / "b.bin", SETTINGS)
    assert (tmp_path / "x" / "b.bin").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["b.bin"]
    assert server.requests == {"/whole": 1}, "one request: no probing of the address beforehand"


def test_length_may_be_unknown(server, tmp_path):
    download("b", Source(url=server.url("unsized"), sha256=SHA256), tmp_path / "b", SETTINGS)
    assert (tmp_path / "b").read_bytes() == CONTENT


@pytest.mark.parametrize("form", ["file://{}", "file:{}"])
def test_file_route(tmp_path, monkeypatch, form):
    monkeypatch.delenv("REGULENS_MIRROR", raising=False)
    (tmp_path / "source").write_bytes(CONTENT)
    source = Source(url=form.format(tmp_path / "source"), sha256=SHA256)
    download("a", source, tmp_path / "a", SETTINGS)
    assert (tmp_path / "a").read_bytes() == CONTENT
    gone = Source(url=form.format(tmp_path / "gone"), sha256=SHA256)
    with fails(tmp_path / "new", "gone", "there is no such file", "Correct the url"):
        download("a", gone, tmp_path / "new" / "a", SETTINGS)


@pytest.mark.parametrize(("path", "requests"), [("short-once", 2), ("busy-twice", 3)])
def test_passing_failures_are_tried_again(server, tmp_path, caplog, path, requests):
    download("a", Source(url=server.url(path), sha256=SHA256), tmp_path / "a", SETTINGS)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.requests == {f"/{path}": requests}
    assert "a: attempt 1 of 3 failed" in caplog.text


@pytest.mark.parametrize(
    ("path", "requests", "parts"),
    [
        ("short", 3, ["failed 3 times", "download.mirror"]),
        ("missing", 1, ["no such file (404)", "Correct the url of this source", "download.mirror"]),
        ("forbidden", 1, ["access refused", "403", "needs no login"]),
        ("teapot", 1, ["the server answered", "418"]),
    ],
)
def test_failures_that_stay(server, tmp_path, path, requests, parts):
    with fails(tmp_path, "a: ", server.url(path), *parts):
        download("a", Source(url=server.url(path), sha256=SHA256), tmp_path / "a", SETTINGS)
    assert server.requests == {f"/{path}": requests}


def test_no_server_there(server, tmp_path):
    url = server.url("whole")
    server.shutdown()
    server.server_close()
    with fails(tmp_path, "failed 3 times", "Try again later"):
        download("a", Source(url=url, sha256=SHA256), tmp_path / "a", SETTINGS)


def test_wrong_checksum_keeps_an_older_file(server, tmp_path):
    source = Source(url=server.url("whole"), sha256=OTHER)
    with fails(tmp_path / "new", f"has sha256 {SHA256}", f"sources.a.sha256 says {OTHER}", "Try again", "correct"):
        download("a", source, tmp_path / "new" / "a", SETTINGS)
    (tmp_path / "a").write_text("older")
    with pytest.raises(InputError):
        download("a", source, tmp_path / "a", SETTINGS)
    assert (tmp_path / "a").read_text() == "older"


@pytest.mark.parametrize("by_environment", [False, True])
def test_mirror_comes_first(server, tmp_path, monkeypatch, by_environment):
    (tmp_path / "mirror" / "sub").mkdir(parents=True)
    (tmp_path / "mirror" / "sub" / "a").write_bytes(CONTENT)
    settings = SETTINGS if by_environment else SETTINGS.model_copy(update={"mirror": str(tmp_path / "mirror")})
    if by_environment:
        monkeypatch.setenv("REGULENS_MIRROR", str(tmp_path / "mirror"))
    download("sub/a", Source(url=server.url("missing"), sha256=SHA256), tmp_path / "out" / "a", settings)
    assert (tmp_path / "out" / "a").read_bytes() == CONTENT
    assert server.requests == {}
    (tmp_path / "mirror" / "sub" / "a").write_bytes(CONTENT[:-1])
    with fails(tmp_path / "new", str(tmp_path / "mirror" / "sub" / "a"), SHA256, "Replace this copy, or rename it"):
        download("sub/a", Source(url=server.url("whole"), sha256=SHA256), tmp_path / "new" / "a", settings)
    (tmp_path / "mirror" / "sub" / "a").unlink()
    download("sub/a", Source(url=server.url("whole"), sha256=SHA256), tmp_path / "out" / "b", settings)
    assert (tmp_path / "out" / "b").read_bytes() == CONTENT


def test_the_setting_of_the_mirror_goes_before_the_environment(tmp_path, monkeypatch):
    for folder, content in (("set", CONTENT), ("environment", b"")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a").write_bytes(content)
    monkeypatch.setenv("REGULENS_MIRROR", str(tmp_path / "environment"))
    settings = SETTINGS.model_copy(update={"mirror": str(tmp_path / "set")})
    download("a", Source(url="https://example.org/not-asked", sha256=SHA256), tmp_path / "out", settings)
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_real_files_in_the_mirror_have_their_checksums(mirror, tmp_path):
    sums = read_lock(mirror / "SHA256SUMS")
    for name in ("targets_human.txt", "hg38_tiny/targets.txt"):
        source = Source(url="https://example.org/not-asked", sha256=sums[f"./{name}"])
        download(name, source, tmp_path / name, SETTINGS.model_copy(update={"mirror": str(mirror)}))
        assert (tmp_path / name).read_bytes() == (mirror / name).read_bytes()


def test_mirror_folder_must_exist(tmp_path):
    settings = DownloadSettings(mirror=str(tmp_path / "nowhere"))
    with fails(tmp_path, "nowhere does not exist", "download.mirror or REGULENS_MIRROR"):
        download("a", Source(url="https://example.org/a"), tmp_path / "a", settings)


def test_first_checksum_is_kept_and_checked_next_time(server, tmp_path, caplog):
    lock = tmp_path / "config" / "sources.lock"
    settings = SETTINGS.model_copy(update={"lock": str(lock)})
    source = Source(url=server.url("whole"))
    download("a b", source, tmp_path / "a", settings)
    assert f"no sha256 is stated for this source; found {SHA256}" in caplog.text
    assert lock.read_text() == f"{SHA256}  a b\n"
    caplog.clear()
    download("a b", source, tmp_path / "a", settings)
    assert "no sha256" not in caplog.text
    lock.write_text(f"{OTHER}  a b")
    with fails(tmp_path / "new", f"{lock} says {OTHER}", f"correct {lock}"):
        download("a b", source, tmp_path / "new" / "a", settings)
    download("c", source, tmp_path / "c", settings)
    assert read_lock(lock) == {"a b": OTHER, "c": SHA256}
    # A stated checksum wins over the lock and is not written to it.
    download("a b", Source(url=server.url("whole"), sha256=SHA256), tmp_path / "a", settings)
    assert read_lock(lock) == {"a b": OTHER, "c": SHA256}
    lock.write_text("md5 a\n")
    with fails(tmp_path / "new", f"{lock}, line 1", "md5 a"):
        download("a", source, tmp_path / "new" / "a", settings)


def test_lock_file_is_shared_by_parallel_downloads(server, tmp_path):
    lock, source = tmp_path / "sources.lock", Source(url=server.url("whole"))
    settings = SETTINGS.model_copy(update={"lock": str(lock)})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: download(f"file{n}", source, tmp_path / f"{n}", settings), range(24)))
    assert read_lock(lock) == {f"file{n}": SHA256 for n in range(24)}
    assert len(lock.read_text().splitlines()) == 24


def test_full_disk_is_seen_before_the_transfer(server, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    with fails(tmp_path, "1,048,576 bytes needed, 1,000 bytes free", "download.folder"):
        download("a", Source(url=server.url("whole"), sha256=SHA256), tmp_path / "a", SETTINGS)


@pytest.mark.parametrize("path", ["whole", "unsized"])
def test_disk_that_fills_up_during_the_transfer(server, tmp_path, path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # a file-size limit: the nearest to a full disk
    try:
        with fails(tmp_path, "no space for it in", "bytes needed", "Make room"):
            download("a", Source(url=server.url(path), sha256=SHA256), tmp_path / "a", SETTINGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert server.requests == {f"/{path}": 1}, "another attempt would not help"


def test_requester_pays_bucket_needs_a_billing_project(server, tmp_path):
    with fails(tmp_path, "requester-pays", "Set download.billing_project", "download.mirror", "a copy at a"):
        download("a", Source(url="gs://bucket/folder/file"), tmp_path / "a", SETTINGS)


def test_requester_pays_bucket_is_read_with_the_billing_project(server, tmp_path, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url("").rstrip("/"))
    source = Source(url="gs://bucket/folder/file", sha256=SHA256)
    settings = SETTINGS.model_copy(update={"billing_project": "payer"})
    download("a", source, tmp_path / "out" / "a", settings)
    assert (tmp_path / "out" / "a").read_bytes() == CONTENT
    assert len(server.billed) >= 2
    assert all(project == ["payer"] for project in server.billed)
    with fails(tmp_path / "new", "access refused", "check download.billing_project"):
        wrong = settings.model_copy(update={"billing_project": "nobody"})
        download("a", source, tmp_path / "new" / "a", wrong)
    for path, part in [("missing", "no such file (404)"), ("secret", "access refused")]:
        with fails(tmp_path / "new", f"gs://bucket/{path}", part):
            download("a", Source(url=f"gs://bucket/{path}"), tmp_path / "new" / "a", settings)


def test_unknown_protocol(tmp_path):
    source = Source.model_construct(url="ftp://example.org/a", sha256=None)
    with fails(tmp_path, "protocol 'ftp'", "known are https, http, gs, file"):
        download("a", source, tmp_path / "a", SETTINGS)


def test_output_folder_that_cannot_be_written(server, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("regulens.data.download.open", refuse, raising=False)
    with fails(tmp_path, "cannot write into", "Permission denied"):
        download("a", Source(url=server.url("whole"), sha256=SHA256), tmp_path / "a", SETTINGS)


def test_progress_goes_to_the_log_without_a_terminal(server, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="regulens"):
        download("a", Source(url=server.url("whole"), sha256=SHA256), tmp_path / "a", SETTINGS)
    assert "a: transfer of 1.0 MB" in caplog.text
    assert "a: 100 % of 1.0 MB" in caplog.text
    assert f"a: sha256 {SHA256}" in caplog.text


def test_progress_bar_in_a_terminal(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    download("a.bin", Source(url=server.url("whole"), sha256=SHA256), tmp_path / "a", SETTINGS)
    captured = capsys.readouterr()
    assert "a.bin" in captured.err
    assert captured.out == ""
