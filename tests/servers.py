"""Local servers for tests of downloads, with certificates that were made for them alone."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Nobody trusts it, so it is no secret.
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWoMU5ptooR+JizZL
g6q2HfANkrzYDoY0atO1SsZ4ElWhRANCAASV6gz+EMfhgz7X6DnAuqGUhl5yswSg
XxFAYZZVoaoBv5PN+2yv+9vxWFJdRb4mjTGWth68WunKfV/hvQkWa+Cl
-----END PRIVATE KEY-----
"""

# Signed by themselves. All begin in 2020.
CERTIFICATES = {
    # For 127.0.0.1, until 2120
    "good": """\
-----BEGIN CERTIFICATE-----
MIIBeDCCAR6gAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9mb3IgdGVz
dHMgYWxvbmUwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBoxGDAW
BgNVBAMMD2ZvciB0ZXN0cyBhbG9uZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BJXqDP4Qx+GDPtfoOcC6oZSGXnKzBKBfEUBhllWhqgG/k837bK/72/FYUl1FviaN
MZa2Hrxa6cp9X+G9CRZr4KWjUzBRMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/
BAQDAgKEMB0GA1UdDgQWBBRonOgYeFrEizcpZe1RjekdiYu4ijAPBgNVHREECDAG
hwR/AAABMAoGCCqGSM49BAMCA0gAMEUCIQCziiStdoVSKlBexN7zYHf7NYR2/YkY
MuuQnXdkyRG8aAIgCrn/R0CPtpkhHtsnbq5ByIaXs6OZ4liKLC29/H3+gV8=
-----END CERTIFICATE-----
""",
    # For 127.0.0.1, until 2021
    "expired": """\
-----BEGIN CERTIFICATE-----
MIIBdjCCARygAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9mb3IgdGVz
dHMgYWxvbmUwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjAaMRgwFgYD
VQQDDA9mb3IgdGVzdHMgYWxvbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASV
6gz+EMfhgz7X6DnAuqGUhl5yswSgXxFAYZZVoaoBv5PN+2yv+9vxWFJdRb4mjTGW
th68WunKfV/hvQkWa+Clo1MwUTAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQE
AwIChDAdBgNVHQ4EFgQUaJzoGHhaxIs3KWXtUY3pHYmLuIowDwYDVR0RBAgwBocE
fwAAATAKBggqhkjOPQQDAgNIADBFAiEArS85e0w9DNqcVn1iZGI0MAbLgFdXGV0b
x3OUEbeqUAoCIBBAo9h9YAmdYXFiHynr33gvTz1/cxWAnI+p5OMjXo10
-----END CERTIFICATE-----
""",
    # For elsewhere.invalid, until 2120
    "other": """\
-----BEGIN CERTIFICATE-----
MIIBhDCCASugAwIBAgIBATAKBggqhkjOPQQDAjAaMRgwFgYDVQQDDA9mb3IgdGVz
dHMgYWxvbmUwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBoxGDAW
BgNVBAMMD2ZvciB0ZXN0cyBhbG9uZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA
BJXqDP4Qx+GDPtfoOcC6oZSGXnKzBKBfEUBhllWhqgG/k837bK/72/FYUl1FviaN
MZa2Hrxa6cp9X+G9CRZr4KWjYDBeMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/
BAQDAgKEMB0GA1UdDgQWBBRonOgYeFrEizcpZe1RjekdiYu4ijAcBgNVHREEFTAT
ghFlbHNld2hlcmUuaW52YWxpZDAKBggqhkjOPQQDAgNHADBEAiB60fbaVLY4VB/D
CYZBGU0njZngedukjS1WtpyVqSS+iwIgMaEUZYmJGz5TETxiRanoMKS3oy9c6kVZ
yZ5lPSuMsSM=
-----END CERTIFICATE-----
""",
}


class Server(ThreadingHTTPServer):
    """Attributes: `requests`, which handlers note; `address`, without a slash at its end."""

    requests: list
    address: str

    def handle_error(self, request, client_address):
        pass  # a client that hung up


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], folder, certificate: str | None = None) -> Iterator[Server]:
    """Yield a server on this machine; with one of CERTIFICATES it speaks TLS, and its files go into the folder."""
    with Server(("127.0.0.1", 0), handler) as server:
        server.requests = []
        if certificate is not None:
            for name, text in (("key", KEY), ("certificate", CERTIFICATES[certificate])):
                (folder / f"{name}.pem").write_text(text)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
            # The handshake is then made in the request's own thread, and a failed one does not end the server.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.address = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
