"""nginx and HAProxy in front of a server, each with kept connections to it. Knows their configurations, no requests."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.wire.programs import free_port, listening, nginx, program

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.error.log info;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_header_timeout 5s; client_body_timeout 5s; lingering_timeout 1s;
  ignore_invalid_headers off; underscores_in_headers on; keepalive_requests 100000;
  upstream covet {{ server 127.0.0.1:{server}; keepalive {kept}; keepalive_timeout {idle}s; keepalive_requests 100000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://covet; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_next_upstream off;
      proxy_request_buffering {buffering}; proxy_ignore_client_abort on; proxy_read_timeout 10s;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
    }}
  }}
}}
"""

HAPROXY = """
global
  maxconn 1000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 10s
  timeout http-keep-alive 5s
  option http-keep-alive
  option forwardfor
  {more}
frontend front
  bind 127.0.0.1:{port}
  default_backend covet
backend covet
  http-reuse always
  retries 0
  server covet 127.0.0.1:{server} {sending}
"""


@contextlib.contextmanager
def nginx_before(folder: Path, server: int, *, kept: int = 1, idle: int = 60, buffering: bool = True) -> Iterator[int]:
    """The proxy's port. `kept` connections to the server are kept, for `idle` seconds."""
    port = free_port()
    text = NGINX.format(
        folder=folder, port=port, server=server, kept=kept, idle=idle, buffering="on" if buffering else "off"
    )
    with nginx(folder, port, text):
        yield port


@contextlib.contextmanager
def haproxy_before(folder: Path, server: int, *, sending: str = "", more: str = "") -> Iterator[int]:
    """The proxy's port. `sending`: options of the server's line; `more`: a line of the defaults."""
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, server=server, sending=sending, more=more))
    with listening([str(program("haproxy")), "-q", "-db", "-f", str(file)], port):
        yield port
