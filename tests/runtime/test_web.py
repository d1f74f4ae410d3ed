import gzip
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import pytest
from servers import serving

from filterfreq.runtime import web
from filterfreq.runtime.web import DownloadError, PageError, ask, fetch

CONTENT = bytes(range(256)) * 500
# How long a server goes on, and a client at most, which gives up after one.
SENT, TAKEN = 120, 60


class Handler(BaseHTTPRequestHandler):
    """Does what the path names, and notes what was asked for."""

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        kind = self.path.strip("/").replace("-", "_")
        with suppress(OSError):  # the client has hung up
            getattr(self, kind)()

    def answer(self, status, content=CONTENT, length=True, **headers):
        self.send_response(status)
        if length:
            self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def whole(self):
        self.answer(200)

    def chunked(self):
        self.endless_chunks(parts=(CONTENT[:70_000], CONTENT[70_000:], b""))

    def endless_chunks(self, parts=None):
        self.protocol_version = "HTTP/1.1"
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()
        for part in parts or iter(lambda: CONTENT, None):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    def endless_trailer(self):
        self.endless_chunks(parts=(CONTENT,))
        self.wfile.write(b"0\r\n")
        self.forever(b"X: y\r\n" * 1000)

    def forever(self, part, pause=0.0):
        end = time.monotonic() + SENT
        while time.monotonic() < end and not self.server.closing.wait(pause):
            self.wfile.write(part)
            self.wfile.flush()

    def endless_headers(self):
        self.send_response(200)
        self.flush_headers()
        self.forever(b"X: y\r\n")

    def endless_header(self):
        self.send_response(200)
        self.flush_headers()
        self.wfile.write(b"X: ")
        self.forever(b"y" * 1000)

    def endless_continue(self):
        self.forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    def slow_header(self):
        self.send_response(200)
        self.flush_headers()
        self.wfile.write(b"X: ")
        self.forever(b"y", 0.05)

    def slow_body(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.forever(b"y", 0.05)

    def silent(self):
        self.server.closing.wait(SENT)

    def longer(self):
        self.answer(200, CONTENT + b"x")

    def much_longer(self):
        self.answer(200, b"x" * 10, length=False, Content_Length=str(400 << 20))

    def without_length(self):
        self.answer(200, length=False)

    def cut(self):
        self.answer(200, CONTENT[:5000], length=False, Content_Length=str(len(CONTENT)))

    def page(self):
        self.answer(200, b"<html>sign in</html>", Content_Type="text/html; charset=utf-8")

    def disguised_page(self):
        self.answer(200, b"\n <!DOCTYPE html><html>sign in</html>", Content_Type="application/octet-stream")

    def compressed(self):
        self.answer(200, gzip.compress(CONTENT), Content_Encoding="gzip")

    def redirect(self, target, content=b""):
        self.answer(302, content, Location=target)

    def moved(self):
        self.redirect("/whole")

    def loop(self):
        self.redirect("/loop")

    def nowhere(self):
        self.redirect("http://[")

    def another_scheme(self):
        self.redirect("file:///etc/passwd")

    def no_location(self):
        self.answer(302, b"")

    def empty_location(self):
        self.redirect("")

    def downgraded(self):
        self.redirect(self.server.other)

    def endless_redirect(self):
        self.send_response(302)
        self.send_header("Location", "/whole")
        self.end_headers()
        self.forever(bytes(1 << 20))

    def part(self):
        self.answer(206, Content_Range=f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}")

    def other_part(self):
        if self.headers.get("Range"):
            self.answer(206, CONTENT[7:], Content_Range=f"bytes 7-{len(CONTENT) - 1}/{len(CONTENT)}")
        else:
            self.whole()

    def no_range(self):
        self.answer(416, b"")

    def no_content(self):
        self.answer(204, b"", length=False)

    def transformed(self):
        self.answer(203)

    def forged(self):
        self.wfile.write(b"HTTP/1.1 404 \x1b[2Jall is well" + b"x" * 5000 + b"\r\n\r\n")

    def patient(self):
        if len(self.server.requests) < 3:
            self.answer(429, b"", Retry_After=self.server.retry_after)
        else:
            self.whole()

    def log_message(self, *arguments):
        pass


def running(folder, certificate=None):
    return serving(Handler, folder, certificate)


@pytest.fixture
def server(tmp_path):
    with running(tmp_path) as started:
        started.closing = threading.Event()
        yield started
        started.closing.set()


def get(server, kind, path, **options):
    options = {"timeout": (1, 0.2), "backoff": 0.001} | options
    fetch(f"{server.address}/{kind}", path, "file", **options)


def refusal(server, kind, path, **options) -> str:
    start = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        get(server, kind, path, **options)
    assert time.monotonic() - start < TAKEN
    return str(caught.value)


@pytest.mark.parametrize("kind", ["whole", "chunked", "moved"])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_a_file_is_written(server, tmp_path, kind, size):
    get(server, kind, tmp_path / "file", size=size)
    assert (tmp_path / "file").read_bytes() == CONTENT


UNVERIFIED = {
    "part": "answers 206 Partial Content",
    "no-content": "answers 204 No Content",
    "transformed": "answers 203 Non-Authoritative Information",
    "no-location": "answers 302 Found",
    "no-range": "answers 416 Requested Range Not Satisfiable",
    "page": "answers with a page and no file",
    "disguised-page": "answers with a page and no file",
    "compressed": "answers with a compressed copy, which is not what lies there",
    "without-length": "does not say where the file ends, so that a cut one could not be told from it",
    "loop": "redirects more than 10 times",
    "empty-location": "redirects more than 10 times",
    "nowhere": "gives no answer that can be used (ValueError)",
    "another-scheme": "gives no answer that can be used (InvalidSchema)",
    "cut": "cannot be reached or breaks off (ProtocolError)",
    "silent": "cannot be reached or breaks off (ReadTimeout)",
}


@pytest.mark.parametrize("kind", UNVERIFIED)
def test_what_is_no_whole_file_is_refused(server, tmp_path, kind):
    assert refusal(server, kind, tmp_path / "file") == UNVERIFIED[kind]
    # What is final is asked for once.
    paths = [path for path, _ in server.requests]
    assert len(paths) == (10 if "redirects more" in UNVERIFIED[kind] else 5 if "reached" in UNVERIFIED[kind] else 1)


@pytest.mark.parametrize("kind", ["part", "no-content", "no-location", "no-range", "transformed"])
def test_a_checksum_does_not_make_another_answer_a_file(server, tmp_path, kind):
    assert refusal(server, kind, tmp_path / "file", verified=True, resume=True) == UNVERIFIED[kind]


@pytest.mark.parametrize("kind", ["without-length", "compressed"])
def test_a_checksum_makes_up_for_what_an_answer_does_not_say(server, tmp_path, kind):
    get(server, kind, tmp_path / "file", verified=True)
    expected = gzip.compress(CONTENT) if kind == "compressed" else CONTENT
    assert (tmp_path / "file").read_bytes()[10:] == expected[10:]  # but for gzip's time


@pytest.mark.parametrize("kind", ["longer", "much-longer", "endless-chunks"])
def test_more_than_the_file_may_have_is_not_taken(server, tmp_path, kind):
    said = refusal(server, kind, tmp_path / "file", size=len(CONTENT), verified=True)
    assert said == f"sends more than the {len(CONTENT)} bytes that the file may have"
    assert not (tmp_path / "file").exists()


def test_a_file_of_unknown_size_has_a_limit(server, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "LARGEST", 1_000_000)
    said = "sends more than the 1000000 bytes that the file may have"
    assert refusal(server, "endless-chunks", tmp_path / "file") == said
    assert refusal(server, "much-longer", tmp_path / "file") == said
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(
    "kind",
    ["slow-header", "slow-body", "endless-headers", "endless-header", "endless-continue", "endless-trailer"],
)
def test_an_answer_that_does_not_end_is_given_up(server, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(web, "_ATTEMPTS", 2)
    said = refusal(server, kind, tmp_path / "file", timeout=(0.3, 0.3))
    assert said.startswith("cannot be reached or breaks off (")
    assert len(server.requests) == 2


def test_a_redirects_own_body_is_not_read(server, tmp_path):
    get(server, "endless-redirect", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_an_attempt_that_was_given_up_writes_no_more(server, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "_ATTEMPTS", 1)
    refusal(server, "slow-body", tmp_path / "file", timeout=(0.2, 0.2))
    (tmp_path / "file").write_bytes(b"")
    time.sleep(0.3)
    assert (tmp_path / "file").read_bytes() == b""


def test_another_part_than_was_asked_for_is_not_appended(server, tmp_path):
    (tmp_path / "file").write_bytes(CONTENT[:5])
    get(server, "other-part", tmp_path / "file", size=len(CONTENT), verified=True, resume=True)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.requests == [("/other-part", "bytes=5-"), ("/other-part", None)]


@pytest.mark.parametrize("wait", ["3600", "9" * 100, "9" * 5000, "Fri, 31 Dec 2100 23:59:59 GMT", "soon", "-5"])
def test_a_server_may_ask_for_a_minute_at_most(server, tmp_path, wait, monkeypatch):
    pauses = []
    monkeypatch.setattr(web.time, "sleep", pauses.append)
    server.retry_after = wait
    get(server, "patient", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert len(pauses) == 2
    assert max(pauses) == (60 if wait[0] in "39F" and len(wait) < 1000 else pytest.approx(0.004))


def test_a_server_cannot_say_much(server, tmp_path):
    said = refusal(server, "forged", tmp_path / "file")
    assert said.startswith("answers 404 \\x1b[2Jall is wellxxx")
    assert len(said) < 100


CERTIFICATE = {
    "expired": "certificate has expired",
    "good": "self-signed certificate",
    "other": "IP address mismatch, certificate is not valid for '127.0.0.1'",
}


@pytest.mark.parametrize("certificate", CERTIFICATE)
def test_a_certificate_that_is_not_trusted_ends_the_attempts(tmp_path, certificate, monkeypatch):
    if certificate != "good":
        # The others are refused for what they say, whoever is trusted.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    with running(tmp_path, certificate) as server:
        said = refusal(server, "whole", tmp_path / "file", backoff=60)
    reason = CERTIFICATE[certificate]
    assert said.startswith(f"shows a certificate that is not trusted ({reason}")
    assert said.endswith("name the file of its certificates in REQUESTS_CA_BUNDLE and SSL_CERT_FILE")
    assert server.requests == []


def test_a_trusted_certificate(tmp_path, monkeypatch):
    with running(tmp_path, "good") as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
        get(server, "whole", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_certificates_that_are_not_there_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with running(tmp_path, "good") as server:
        assert "nowhere.pem" in refusal(server, "whole", tmp_path / "file", backoff=60)


def test_what_speaks_no_tls_is_final(server, tmp_path):
    server.address = server.address.replace("http:", "https:")
    said = refusal(server, "whole", tmp_path / "file", backoff=60)
    assert said.startswith("refuses an encrypted connection (")


@pytest.mark.parametrize("verified", [False, True])
def test_https_is_left_for_what_has_a_checksum_alone(server, tmp_path, verified, monkeypatch):
    with running(tmp_path, "good") as safe:
        safe.other = f"{server.address}/whole"
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
        if verified:
            get(safe, "downgraded", tmp_path / "file", verified=True)
            assert (tmp_path / "file").read_bytes() == CONTENT
        else:
            said = refusal(safe, "downgraded", tmp_path / "file")
            assert said == "redirects from https to an address without it, so anybody could have changed it"
            assert server.requests == []


def test_a_page_is_handed_on(server, tmp_path):
    with pytest.raises(PageError) as caught:
        get(server, "page", tmp_path / "file")
    assert caught.value.page == "<html>sign in</html>"


def test_a_librarys_question_is_bounded_too(monkeypatch):
    monkeypatch.setattr(web, "_ATTEMPTS", 2)
    assert ask(lambda: 5) == 5
    answers = iter([ConnectionResetError(), 7])

    def flaky():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert ask(flaky, backoff=0.001) == 7
    stop = threading.Event()
    with pytest.raises(DownloadError, match=r"^cannot be reached or found \(no answer in 0\.05 s\)$"):
        ask(stop.wait, seconds=0.05, backoff=0.001)
    stop.set()
    with pytest.raises(DownloadError, match=r"^cannot be reached or found \(ZeroDivisionError\)$"):
        ask(lambda: 1 / 0, backoff=0.001)
