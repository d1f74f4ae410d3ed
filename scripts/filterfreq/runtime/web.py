"""Files from the web: resumed where that is safe, and bounded in time and size, for servers are not trusted."""

import itertools
import re
import ssl
import threading
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from tqdm import tqdm
from urllib3.util import Retry

from filterfreq.runtime.text import one_line

LARGEST = 16 << 30
"""Bytes of a file whose size is not known; the largest checkpoints of timm have 8 GB."""

_CHUNK = 1 << 20  # bytes
_ATTEMPTS = 5  # in a row that bring nothing, or too little
_SLOWEST = 10_000  # bytes per second
_PROGRESS = 1 << 20  # bytes that an attempt must bring of a large file, so that the number of attempts is bounded
_LONGEST_PAUSE = 60  # seconds
_REDIRECTS = 10
_TRY_LATER = (429, 500, 502, 503, 504)
_LARGEST_PAGE = 1 << 20  # bytes
_PAGE = re.compile(rb"\s*<(!doctype|html|head|!--|\?xml)", re.IGNORECASE)


class DownloadError(Exception):
    """What is wrong with an address: the rest of a sentence that begins with it. To ask again would not help."""


class PageError(DownloadError):
    """An address has a page where a file was expected.

    Attributes:
        page: its text, or the beginning of a long one.
    """

    def __init__(self, page: bytes) -> None:
        super().__init__("answers with a page and no file")
        self.page = page.decode(errors="replace")


class _BrokenOffError(Exception):
    """An attempt that may go better next time, in so many seconds if the server says so."""

    def __init__(self, reason: str, after: float = 0) -> None:
        super().__init__(reason)
        self.after = after


# What requests and urllib3 raise where a connection fails; other exceptions say that an answer is nonsense.
_CONNECTION = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.ProtocolError,
    urllib3.exceptions.TimeoutError,
    urllib3.exceptions.SSLError,
    HTTPException,
    _BrokenOffError,
)


def fetch(
    url: str,
    path: Path,
    title: str,
    *,
    size: int | None = None,
    verified: bool = False,
    resume: bool = False,
    timeout: tuple[float, float] = (15, 60),
    backoff: float = 1,
) -> None:
    """Write what lies at an address into a file, with a progress bar.

    It is tried again, with growing pauses or when the server says, at most a minute later, until several attempts in a
    row have brought nothing or no more than 10 kB a second. A certificate that is not trusted is final.

    Args:
        url: the address; it may redirect.
        path: the file.
        title: what to call it at the progress bar.
        size: bytes; where they are not known, `LARGEST` are taken at most.
        verified: whether the content is compared with a checksum afterwards. If not, an answer is refused that leaves
            https, is a page or compressed, or does not say where it ends.
        resume: ask for the rest alone of what the file holds already (RFC 9110, section 14); a server that sends the
            whole all the same is believed.
        timeout: seconds to wait for a connection, and for the next bytes.
        backoff: the first pause in seconds; each further one is twice as long.

    Raises:
        DownloadError: the address has no such file, or cannot be reached.
        OSError: the file cannot be written.
    """
    idle = 0
    while True:
        start = path.stat().st_size if resume and path.is_file() else 0
        if start and start == size:
            return
        try:
            _Attempt(url, path, title, start, size, verified).complete(timeout)
            return
        except DownloadError:
            raise
        except _CONNECTION as error:
            reason = _reason(error)
            pause = getattr(error, "after", 0)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            # Only the kind is named: the text may hold what an address or a proxy is opened with.
            raise DownloadError(f"gives no answer that can be used ({type(error).__name__})") from error
        enough = min(_PROGRESS, (size or _PROGRESS) // 100)
        idle = 0 if resume and path.is_file() and path.stat().st_size > start + enough else idle + 1
        if idle == _ATTEMPTS:
            raise DownloadError(f"cannot be reached or breaks off ({reason})")
        time.sleep(min(max(backoff * 2**idle, pause), _LONGEST_PAUSE))


def ask(call: Callable[[], Any], seconds: float = 60, backoff: float = 1) -> Any:
    """Return what a library finds out on the web, tried again as `fetch` is, and bounded in time.

    Args:
        call: asks; it is left to itself when it takes longer.
        seconds: how long it may take.
        backoff: the first pause in seconds; each further one is twice as long.

    Raises:
        DownloadError: it fails again and again.
    """
    for attempt in itertools.count(1):
        asking = _Call(call)
        try:
            asking.join(seconds)
            if asking.is_alive():
                raise _BrokenOffError(f"no answer in {seconds:g} s")
            return asking.outcome()
        except Exception as error:
            reason = _reason(error)
            if attempt == _ATTEMPTS:
                raise DownloadError(f"cannot be reached or found ({reason})") from error
        time.sleep(min(backoff * 2**attempt, _LONGEST_PAUSE))


class _Call(threading.Thread):
    """A call in a thread of its own, which can be left to itself.

    A socket's timeout bounds the wait for the next byte alone. Headers, chunks' lengths and trailers are read to their
    end however slowly they come, or endlessly, and looking up a name has no timeout at all.
    """

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._call = call
        self._answer: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._answer = self._call()
        except BaseException as error:
            self._error = error

    def outcome(self) -> Any:
        """Return what the call has returned, or raise what it has raised."""
        if self._error is not None:
            raise self._error
        return self._answer


def _reason(error: Exception) -> str:
    """Return what to call a connection's failure.

    Raises:
        DownloadError: it is the certificate or another refusal of TLS, which will be the same next time.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise DownloadError(
                f"shows a certificate that is not trusted ({one_line(cause.verify_message, 100)}): check the clock, "
                "and where a proxy looks into encrypted traffic, name the file of its certificates in "
                "REQUESTS_CA_BUNDLE and SSL_CERT_FILE"
            ) from error
        refused = isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError)
        if refused and isinstance(error, requests.exceptions.SSLError):
            raise DownloadError(f"refuses an encrypted connection ({one_line(cause.reason, 60)})") from error
        cause = cause.__cause__ or cause.__context__
    return str(error) if isinstance(error, _BrokenOffError) else type(error).__name__


class _Session(requests.Session):
    """Does not look where an answer redirects to: it would then read that answer's body, however long it is."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Attempt:
    """One request for a file."""

    def __init__(self, url: str, path: Path, title: str, start: int, size: int | None, verified: bool) -> None:
        self.url = url
        self.path = path
        self.title = title
        self.start = start
        self.size = size
        self.verified = verified
        self.received = 0
        # Who holds it may touch the file, unless the attempt was given up.
        self.writing = threading.Lock()
        self.given_up = False

    def complete(self, timeout: tuple[float, float]) -> None:
        """Write the file, or give up when too little comes."""
        call = _Call(lambda: self._request(timeout))
        patience = sum(timeout)
        try:
            while True:
                before = self.received
                call.join(patience)
                if not call.is_alive():
                    return call.outcome()
                if self.received - before < _SLOWEST * timeout[1]:
                    raise _BrokenOffError(f"less than {_SLOWEST // 1000} kB a second")
                patience = timeout[1]
        finally:
            with self.writing:
                self.given_up = True

    def _request(self, timeout: tuple[float, float]) -> None:
        with _Session() as session:
            # A server that compressed on the way would send other bytes than those that a checksum is of.
            session.headers["Accept-Encoding"] = "identity"
            with self._answer(session, timeout) as response:
                self._take(response)

    def _answer(self, session: requests.Session, timeout: tuple[float, float]) -> requests.Response:
        """Return the answer at the end of all redirects."""
        url = self.url
        headers = {"Range": f"bytes={self.start}-"} if self.start else {}
        for _ in range(_REDIRECTS):
            try:
                response = session.get(url, headers=headers, stream=True, timeout=timeout, allow_redirects=False)
            except OSError as error:
                if isinstance(error, requests.RequestException):
                    raise
                # A file of certificates that is not there, say.
                raise DownloadError(f"cannot be asked ({one_line(error, 200)})") from error
            if not response.is_redirect:
                return response
            with response:
                before, url = url, urljoin(url, requests.Session().get_redirect_target(response))
            if not self.verified and urlsplit(before).scheme == "https" != urlsplit(url).scheme:
                raise DownloadError("redirects from https to an address without it, so anybody could have changed it")
        raise DownloadError(f"redirects more than {_REDIRECTS} times")

    def _take(self, response: requests.Response) -> None:
        """Write what an answer holds."""
        self._check_status(response)
        if not self.verified:
            _check_plain(response)
        # What was here stays if the server goes on from there.
        start = self.start if response.status_code == requests.codes.partial_content else 0
        limit = LARGEST if self.size is None else self.size
        total = self.size or response.raw.length_remaining
        with self.writing:
            if self.given_up:
                return
            self._check_size(start + (response.raw.length_remaining or 0), limit)
            file = open(self.path, "ab" if start else "wb")  # noqa: SIM115
        with (
            file,
            tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=self.title, mininterval=1) as bar,
        ):
            # The bytes as they lie there: some servers call a .gz file an encoding, which requests would undo. And each
            # as soon as it comes, or those that wait for a whole chunk would be lost when the connection is.
            while chunk := response.raw.read1(_CHUNK, decode_content=False):
                with self.writing:
                    if self.given_up:
                        return
                    self._check_size(start + self.received + len(chunk), limit)
                    file.write(chunk)
                    # Now, or the rest would be written when the next attempt has begun.
                    file.flush()
                self.received += len(chunk)
                bar.update(len(chunk))
        if not self.verified:
            with open(self.path, "rb") as file:
                page = file.read(_LARGEST_PAGE)
            if _PAGE.match(page):
                raise PageError(page)

    def _check_status(self, response: requests.Response) -> None:
        """Refuse what is neither the whole file nor the part that was asked for."""
        status = response.status_code
        if status in _TRY_LATER:
            raise _BrokenOffError(f"{status} {one_line(response.reason, 60)}", _pause(response))
        if self.start and status in (requests.codes.partial_content, requests.codes.requested_range_not_satisfiable):
            if response.headers.get("Content-Range", "").startswith(f"bytes {self.start}-"):
                return
            # More bytes are here than there, or others than were asked for: the next attempt asks for all.
            with self.writing:
                if not self.given_up:
                    self.path.unlink()
            raise _BrokenOffError(f"no byte {self.start}")
        if status != requests.codes.ok:
            raise DownloadError(f"answers {status} {one_line(response.reason, 60)}")

    def _check_size(self, size: int, limit: int) -> None:
        if size > limit:
            # What has come is no beginning of the file.
            self.path.unlink(missing_ok=True)
            raise DownloadError(f"sends more than the {limit} bytes that the file may have")


def _check_plain(response: requests.Response) -> None:
    """Refuse an answer that need not be the file as it lies there, where no checksum would show it."""
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise PageError(response.raw.read(_LARGEST_PAGE, decode_content=False))
    if response.headers.get("Content-Encoding", "identity") not in ("", "identity"):
        raise DownloadError("answers with a compressed copy, which is not what lies there")
    if response.raw.length_remaining is None and not response.raw.chunked:
        raise DownloadError("does not say where the file ends, so that a cut one could not be told from it")


def _pause(response: requests.Response) -> float:
    """Return how many seconds a server asks to wait, 0 where it says nothing that can be understood."""
    try:
        return Retry().get_retry_after(response.raw) or 0
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return 0  # also for a number of thousands of digits
