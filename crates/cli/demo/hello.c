/* The program of the demo's image: freestanding, so that it needs no libc, no shell and no file beside itself.
 *
 * It greets, says what it sees of its container, and ends with the code that the variable EXIT_CODE names. */

#if defined(__x86_64__)
enum { SYS_WRITE = 1, SYS_NANOSLEEP = 35, SYS_GETPID = 39, SYS_EXIT_GROUP = 231 };

static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n\thlt\n");
#elif defined(__aarch64__)
enum { SYS_WRITE = 64, SYS_NANOSLEEP = 101, SYS_GETPID = 172, SYS_EXIT_GROUP = 94 };

static long call(long number, long a, long b, long c) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}

__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl begin\n\tbrk #1\n");
#else
#error "the demo's program is written for x86_64 and aarch64"
#endif

static unsigned long length(const char *text) {
    unsigned long bytes = 0;
    while (text[bytes]) bytes++;
    return bytes;
}

/* A line is written at once, so that it is one event in the log. */
static void line(const char *first, const char *second) {
    static char buffer[512];
    unsigned long at = 0;
    for (const char *part = first; *part && at < sizeof buffer - 1; part++) buffer[at++] = *part;
    for (const char *part = second; *part && at < sizeof buffer - 1; part++) buffer[at++] = *part;
    buffer[at++] = '\n';
    call(SYS_WRITE, 1, (long)buffer, (long)at);
}

static const char *variable(char **environment, const char *name) {
    unsigned long bytes = length(name);
    for (; *environment; environment++) {
        unsigned long same = 0;
        while (same < bytes && (*environment)[same] == name[same]) same++;
        if (same == bytes && (*environment)[bytes] == '=') return *environment + bytes + 1;
    }
    return "";
}

static void pause_milliseconds(long milliseconds) {
    long time[2] = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    call(SYS_NANOSLEEP, (long)time, 0, 0);
}

static int number(const char *digits) {
    int value = 0;
    for (; *digits >= '0' && *digits <= '9' && value < 100; digits++) value = value * 10 + (*digits - '0');
    return value & 255;
}

__attribute__((used, noreturn)) void begin(long *stack) {
    char **environment = (char **)(stack + 1 + stack[0] + 1);
    line("hello from a private image", "");
    line("GREETING says: ", variable(environment, "GREETING"));
    line(call(SYS_GETPID, 0, 0, 0) == 1 ? "process 1 of a pid namespace of my own" : "not process 1: no pid namespace?", "");
    for (int step = 0; step < 3; step++) {
        const char *steps[3] = {"working: 1 of 3", "working: 2 of 3", "working: 3 of 3"};
        pause_milliseconds(150);
        line(steps[step], "");
    }
    line("done", "");
    call(SYS_EXIT_GROUP, number(variable(environment, "EXIT_CODE")), 0, 0);
    for (;;) {}
}
