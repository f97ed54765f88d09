"""Run by the Python of an environment that has label-studio-ml and nothing of what kdsl needs.

python label_studio_backend.py SERVER        serves its app with KdslBackend on a free port, which it prints
"""

from __future__ import annotations

import sys

from label_studio_ml.api import init_app
from werkzeug.serving import make_server

from kdsl.corrections.label_studio_backend import KdslBackend

server = make_server("127.0.0.1", 0, init_app(KdslBackend, server=sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()
