"""A server whose wall clock is ahead: a few lines of C before the C library's, because sessions last at least 15 minutes."""

import subprocess
import tempfile
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    const char *ahead = getenv("CLOCK_AHEAD_SECONDS");
    if (result == 0 && clock == CLOCK_REALTIME && ahead != NULL) now->tv_sec += atol(ahead);
    return result;
}
"""


def ahead(seconds):
    """Environment variables for a server whose clock is `seconds` ahead."""
    directory = Path(tempfile.mkdtemp(prefix="landfall-clock-"))
    library = directory / "clock.so"
    source = directory / "clock.c"
    source.write_text(SOURCE)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True, capture_output=True)
    return {"LD_PRELOAD": str(library), "CLOCK_AHEAD_SECONDS": str(seconds)}
