import hashlib
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from filterfreq.data.download import download
from filterfreq.data.registry import Source
from filterfreq.errors import InputError

CONTENT = bytes(range(256)) * 500


class Handler(SimpleHTTPRequestHandler):
    requests = 0

    def do_GET(self):
        Handler.requests += 1
        if self.path == "/cut.bin":
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:1000])
        else:
            super().do_GET()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    (folder / "raw.bin").write_bytes(CONTENT)
    Handler.requests = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def source(server, file="raw.bin", content=CONTENT, algorithm="sha256"):
    checksum = hashlib.new(algorithm, content).hexdigest()
    return Source(file, f"{server}/{file}", f"{algorithm}:{checksum}", len(content))


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_download(server, tmp_path, algorithm):
    destination = tmp_path / "raw" / "raw.bin"
    download(source(server, algorithm=algorithm), destination)
    assert destination.read_bytes() == CONTENT
    assert list(destination.parent.iterdir()) == [destination]


def test_progress_is_shown(server, tmp_path, capsys):
    download(source(server), tmp_path / "raw.bin")
    assert "100%" in capsys.readouterr().err


def test_what_is_there_is_not_downloaded_again(server, tmp_path):
    destination = tmp_path / "raw.bin"
    download(source(server), destination)
    download(source(server), destination)
    assert Handler.requests == 1
    destination.write_bytes(b"damaged")
    download(source(server), destination)
    assert destination.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("raw.bin", b"other", r"the download of http://.*/raw.bin has 128000 bytes and not the checksum sha256:"),
        ("none.bin", CONTENT, r"none.bin answers 404 .*: get none.bin elsewhere and put it at .*raw/file"),
        ("cut.bin", CONTENT, r"cut.bin cannot be downloaded \(.*\): check the connection"),
    ],
)
def test_failures_leave_no_file(server, tmp_path, file, content, message):
    (tmp_path / "raw").mkdir()
    with pytest.raises(InputError, match=message):
        download(source(server, file, content), tmp_path / "raw" / "file")
    assert list((tmp_path / "raw").iterdir()) == []


def test_unreachable_server(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(InputError, match=r"raw.bin cannot be downloaded \(ConnectionError\): check the connection"):
            download(source(url), tmp_path / "raw.bin")
    assert list(tmp_path.iterdir()) == []
