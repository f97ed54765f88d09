"""`Labelled`: the labelled samples on which the effect of a change of rules is shown."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from kdsl.evidence.types import Evidence
from kdsl.recognizer import Recognizer
from kdsl.serving.settings import ServerSettings


class Labelled:
    """The samples that the server was started with; they are read when they are first asked for."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._bundle: str | None = None
        self._evidences: Sequence[Evidence] = ()

    def of(self, recognizer: Recognizer) -> Sequence[Evidence]:
        """The samples, by the tasks of a bundle; none where the server was started without.

        Raises:
            InputError: a sample or a picture cannot be used.
        """
        settings = self._settings
        with self._lock:
            bundle = recognizer.bundle.manifest["id"]
            if settings.data and bundle != self._bundle:
                self._evidences = recognizer.observe(settings.data, images=settings.images, ocr=settings.ocr)
                self._bundle = bundle
            return self._evidences
