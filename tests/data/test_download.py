import hashlib
import re
import resource
import socket
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest
from servers import serving

from filterfreq.data.download import download, partial_file, verify
from filterfreq.data.registry import Source
from filterfreq.runtime.errors import InputError

CONTENT = bytes(range(256)) * 500
OTHER = b"<html>not here</html>"


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT in the way that the path names, and notes the path and range of each request."""

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        times = sum(path == self.path for path, _ in self.server.requests)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        kind = self.path.split("/")[1]
        if kind == "missing":
            self.send_error(404)
        elif kind == "busy" and times < 3:
            self.send_error(503)
        elif kind == "moved":
            self.send_response(302)
            self.send_header("Location", "/whole/raw.bin")
            self.end_headers()
        elif kind == "other":
            self.answer(200, OTHER)
        elif kind == "longer":
            self.answer(200, CONTENT * 2, b"")
        elif kind == "no-range":
            self.send_error(416)
        elif kind == "nowhere":
            self.send_response(302)
            self.send_header("Location", "http://[")
            self.end_headers()
        elif kind == "whole-only":
            self.answer(200, CONTENT)
        elif kind == "whole-only-cut":
            self.answer(200, CONTENT, CONTENT[:1000] if times == 1 else CONTENT)
        elif kind == "chunked":
            self.protocol_version = "HTTP/1.1"
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()
            for part in (CONTENT[:70_000], CONTENT[70_000:], b""):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        elif kind == "gzip":
            self.answer(200, CONTENT, encoding="gzip")
        elif start >= len(CONTENT):
            self.send_error(416)
        elif kind == "always-cut":
            self.answer(200, CONTENT, CONTENT[:1000])
        elif kind in ("cut", "stalled") and times < 4:
            end = 30_000 * times + 1
            self.answer(206 if wanted else 200, CONTENT[start:], CONTENT[start:end], start)
            if kind == "stalled":
                time.sleep(1)
        elif kind == "silent":
            time.sleep(1)
        else:
            self.answer(206 if wanted else 200, CONTENT[start:], start=start)

    def answer(self, status, announced, sent=None, start=0, encoding=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(announced)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(announced if sent is None else sent)
        self.wfile.flush()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    with serving(Handler, tmp_path) as running:
        yield running


def source(server, *kinds, content=CONTENT, algorithm="sha256"):
    urls = tuple(f"{server.address}/{kind}/raw.bin" for kind in kinds)
    return Source("raw.bin", urls, f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}", len(content))


def fetch(source, destination):
    download(source, destination, timeout=(1, 0.2), backoff=0.001)


def refused(source, destination) -> str:
    with pytest.raises(InputError) as caught:
        fetch(source, destination)
    assert not destination.exists()
    return str(caught.value)


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_download(server, tmp_path, algorithm):
    destination = tmp_path / "raw" / "raw.bin"
    fetch(source(server, "whole", algorithm=algorithm), destination)
    assert destination.read_bytes() == CONTENT
    assert list(destination.parent.iterdir()) == [destination]


def test_progress_is_shown(server, tmp_path, capsys):
    fetch(source(server, "whole"), tmp_path / "raw.bin")
    assert "100%" in capsys.readouterr().err


def test_what_is_there_is_not_downloaded_again(server, tmp_path):
    destination = tmp_path / "raw.bin"
    fetch(source(server, "whole"), destination)
    fetch(source(server, "whole"), destination)
    assert len(server.requests) == 1
    destination.write_bytes(b"damaged")
    fetch(source(server, "whole"), destination)
    assert destination.read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["cut", "stalled"])
def test_an_interrupted_answer_is_continued_where_it_broke_off(server, tmp_path, kind):
    fetch(source(server, kind), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, "bytes=30001-", "bytes=60001-", "bytes=90001-"]
    assert list(tmp_path.iterdir()) == [tmp_path / "raw.bin"]


def test_an_interrupted_process_is_continued_by_the_next(server, tmp_path, capsys):
    partial_file(tmp_path / "raw.bin").write_bytes(CONTENT[:100_000])
    fetch(source(server, "whole"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT
    assert server.requests == [("/whole/raw.bin", "bytes=100000-")]
    assert "100%" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [tmp_path / "raw.bin"]


def test_a_partial_file_that_was_whole_already_is_only_checked(server, tmp_path):
    partial_file(tmp_path / "raw.bin").write_bytes(CONTENT)
    fetch(source(server, "whole"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT
    assert server.requests == []


@pytest.mark.parametrize("left", [OTHER, CONTENT + b"more", bytes(len(CONTENT))], ids=["other", "longer", "as long"])
def test_what_is_left_of_another_file_does_no_harm(server, tmp_path, left):
    partial_file(tmp_path / "raw.bin").write_bytes(left)
    fetch(source(server, "whole"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [tmp_path / "raw.bin"]


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    fetch(source(server, "whole-only-cut"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.requests] == [None, "bytes=1000-"]


def test_an_answer_that_is_always_cut_ends_and_keeps_what_came(server, tmp_path):
    sentence = refused(source(server, "always-cut"), tmp_path / "raw.bin")
    assert re.search(
        r"always-cut/raw.bin cannot be reached or breaks off \(.*\): check the connection and run", sentence
    )
    assert 2 < len(server.requests) < 10
    assert partial_file(tmp_path / "raw.bin").read_bytes() == CONTENT[:1000]
    fetch(source(server, "whole"), tmp_path / "raw.bin")
    assert server.requests[-1] == ("/whole/raw.bin", "bytes=1000-")


def test_a_silent_server_is_left_for_a_mirror(server, tmp_path):
    fetch(source(server, "silent", "whole"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT
    assert server.requests[-1] == ("/whole/raw.bin", None)


@pytest.mark.parametrize("kind", ["missing", "other"])
def test_a_mirror_helps_where_the_file_is_missing_or_another(server, tmp_path, kind):
    fetch(source(server, kind, "whole"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == [f"/{kind}/raw.bin", "/whole/raw.bin"]


def test_a_mirror_cannot_change_the_content(server, tmp_path):
    sentence = refused(source(server, "missing", "other"), tmp_path / "raw.bin")
    assert "missing/raw.bin answers 404 Not Found; http" in sentence
    assert f"other/raw.bin has {len(OTHER)} bytes and not the checksum sha256:" in sentence
    assert sentence.endswith(f"or get the file elsewhere and put it at {tmp_path / 'raw.bin'}")
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_is_followed_with_the_range(server, tmp_path):
    partial_file(tmp_path / "raw.bin").write_bytes(CONTENT[:5])
    fetch(source(server, "moved"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT
    assert server.requests == [("/moved/raw.bin", "bytes=5-"), ("/whole/raw.bin", "bytes=5-")]


def test_a_busy_server_is_asked_again(server, tmp_path):
    fetch(source(server, "busy"), tmp_path / "raw.bin")
    assert len(server.requests) == 3


def test_bytes_arrive_as_they_lie_there_whatever_the_server_calls_their_encoding(server, tmp_path):
    fetch(source(server, "gzip"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT


def test_an_answer_without_a_length(server, tmp_path):
    fetch(source(server, "chunked"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT


def test_unreachable_server(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        nowhere = Source("raw.bin", (f"http://127.0.0.1:{closed.getsockname()[1]}/raw.bin",), "md5:00", 3)
        assert "raw.bin cannot be reached or breaks off (ConnectionError)" in refused(nowhere, tmp_path / "raw.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_what_came(server, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        assert "no space left while writing" in refused(source(server, "whole"), tmp_path / "raw.bin")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    fetch(source(server, "whole"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT


def test_verify(server, tmp_path):
    wanted = source(server, "whole")
    with pytest.raises(InputError, match=r"raw.bin is missing: download it first, from http"):
        verify(wanted, tmp_path / "raw.bin")
    (tmp_path / "raw.bin").write_bytes(OTHER)
    with pytest.raises(
        InputError, match=r"raw.bin has 21 bytes and not the checksum sha256:.* put the right one there"
    ):
        verify(wanted, tmp_path / "raw.bin")
    (tmp_path / "raw.bin").write_bytes(CONTENT)
    verify(wanted, tmp_path / "raw.bin")


@pytest.mark.parametrize("certificate", ["expired", "other"])
def test_a_mirror_helps_where_a_certificate_is_not_trusted(server, tmp_path, certificate):
    with serving(Handler, tmp_path, certificate) as untrusted:
        of_both = source(untrusted, "whole")
        mirrored = replace(of_both, urls=of_both.urls + source(server, "whole").urls)
        download(mirrored, tmp_path / "raw" / "raw.bin")  # with the pauses of a user
        assert (tmp_path / "raw" / "raw.bin").read_bytes() == CONTENT
        with pytest.raises(InputError) as refusal:
            download(of_both, tmp_path / "other" / "raw.bin")
    assert "/whole/raw.bin shows a certificate that is not trusted (" in str(refusal.value)
    assert "REQUESTS_CA_BUNDLE and SSL_CERT_FILE: check the connection and run again, or get" in str(refusal.value)


@pytest.mark.parametrize("kind", ["longer", "no-range", "nowhere"])
def test_a_mirror_helps_where_an_answer_is_nonsense(server, tmp_path, kind):
    fetch(source(server, kind, "whole"), tmp_path / "raw.bin")
    assert (tmp_path / "raw.bin").read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == [f"/{kind}/raw.bin", "/whole/raw.bin"]
