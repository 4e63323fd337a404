"""Requests at a steady rate, some over kept connections and some over new ones, some with a body, and what became of each."""

import http.client
import threading
import time


class Load:
    """`rate` requests a second for `host` at `address`, from `with` to its end. With `post`, every fourth worker posts to it."""

    def __init__(self, address, host, rate, workers=20, post=None):
        self.address, self.host, self.rate, self.workers, self.post = address, host, rate, workers, post
        self.answers, self.errors = [], []
        self._stop = threading.Event()

    def __enter__(self):
        self.began = time.monotonic()
        self.threads = [threading.Thread(target=self._work, args=(number,)) for number in range(self.workers)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self.threads:
            thread.join()
        self.seconds = time.monotonic() - self.began

    def reached(self):
        """Requests a second that were made in fact: a busy machine makes fewer."""
        return (len(self.answers) + len(self.errors)) / self.seconds

    def _work(self, number):
        connection, turn = None, number
        while not self._stop.is_set():
            # Those who are late go on at once: the rate is kept as far as the machine can.
            time.sleep(max(0.0, self.began + turn / self.rate - time.monotonic()))
            turn += self.workers
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(self.address, timeout=30)
                if self.post and number % 4 >= 2:
                    connection.request("POST", self.post, body=b"x" * 4096, headers={"Host": self.host})
                else:
                    connection.request("GET", "/", headers={"Host": self.host})
                answer = connection.getresponse()
                text = answer.read().decode()
                if answer.status != 200:
                    raise http.client.HTTPException(f"{answer.status}: {text}")
                self.answers.append(text)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong is a lost request
                self.errors.append(repr(error))
                connection = None
            if number % 2 and connection is not None:
                connection.close()
                connection = None
