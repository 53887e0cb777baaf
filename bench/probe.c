/* Runs a program on a fresh PTY, as a terminal would, and measures.
 *   probe drain CMD...    read all it shows; wall seconds, CPU seconds of the tree, bytes
 *   probe echo N CMD...   after READY is shown, type N keys one by one and time each echo, in microseconds
 * One line of JSON on standard output. */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int drain(char **argv) {
    static char buffer[1 << 16];
    struct winsize size = {24, 80, 0, 0};
    int master, status;
    double start = now();
    long long bytes = 0;
    pid_t pid = forkpty(&master, NULL, NULL, &size);
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    for (ssize_t n; (n = read(master, buffer, sizeof buffer)) > 0;) bytes += n;
    struct rusage use;
    wait4(pid, &status, 0, &use);
    double cpu = use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    printf("{\"wall\":%.3f,\"cpu\":%.3f,\"bytes\":%lld,\"status\":%d}\n", now() - start, cpu, bytes, status);
    return 0;
}

static int echo(int wanted, char **argv) {
    static char buffer[1 << 16], seen[1 << 16];
    struct winsize size = {24, 80, 0, 0};
    int master, length = 0, count = 0, lost = 0;
    pid_t pid = forkpty(&master, NULL, NULL, &size);
    if (pid == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    struct pollfd ready = {master, POLLIN, 0};
    for (double limit = now() + 20; now() < limit && !strstr(seen, "READY");) {
        if (poll(&ready, 1, 100) <= 0) continue;
        ssize_t n = read(master, buffer, sizeof buffer);
        if (n <= 0 || length + n >= (ssize_t)sizeof seen) break;
        memcpy(seen + length, buffer, n);
        length += n;
    }
    usleep(300000);
    while (poll(&ready, 1, 50) > 0 && read(master, buffer, sizeof buffer) > 0) continue;
    double *times = malloc(sizeof *times * wanted);
    for (int i = 0; i < wanted + 50; i++) {
        usleep(1500);
        char key = 'a' + i % 26;
        double start = now(), took = -1;
        if (write(master, &key, 1) != 1) break;
        while (took < 0 && now() - start < 0.5) {
            if (poll(&ready, 1, 200) <= 0) continue;
            ssize_t n = read(master, buffer, sizeof buffer);
            if (n <= 0) break;
            if (memchr(buffer, key, n)) took = now() - start;
        }
        if (took < 0) lost++;
        else if (i >= 50) times[count++] = took * 1e6;
    }
    if (count < wanted / 2) {
        printf("{\"error\":\"%d of %d echoes\"}\n", count, wanted);
        kill(pid, 9);
        return 1;
    }
    qsort(times, count, sizeof *times, by_value);
    printf("{\"n\":%d,\"lost\":%d,\"p10\":%.1f,\"p50\":%.1f,\"p99\":%.1f}\n", count, lost, times[count / 10],
           times[count / 2], times[count * 99 / 100]);
    fflush(stdout);
    char end = 4;
    if (write(master, &end, 1) != 1) perror("write");
    kill(pid, SIGTERM);
    for (int i = 0; i < 100 && waitpid(pid, NULL, WNOHANG) == 0; i++) usleep(20000);
    kill(pid, SIGKILL);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 2 && !strcmp(argv[1], "drain")) return drain(argv + 2);
    if (argc > 3 && !strcmp(argv[1], "echo")) return echo(atoi(argv[2]), argv + 3);
    return 2;
}
