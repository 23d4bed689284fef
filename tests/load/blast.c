/*
 * Sends messages as fast as they are taken, or so many a second: what the comparison with other
 * collectors is fed with.
 *
 *     blast tcp|udp ADDRESS PORT COUNT RATE plain|json
 *
 * RATE 0: as fast as they are taken.  Every message is an RFC 5424 line of 300 bytes with its line
 * end, whose words differ as those of real programs do: 40 hosts, 12 programs, a number of its own.
 * "json" has an object of 12 members as its message.  Over TCP lines are joined into writes of
 * 64 KiB, over UDP 64 of them into one sendmmsg; both cost the receiver what they would of many
 * senders.  Prints how many were sent and the seconds it took.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE  300
#define LINES      4096 /* made once, sent over and over with a new number in each */
#define PER_WRITE  218  /* 64 KiB */
#define PER_CALL   64
#define NUMBER_AT  80
#define NUMBER_LEN 10

static char lines[LINES][LINE_SIZE + 1];

static const char *const programs[] = {"nginx",  "billing", "auth-api", "worker",
                                       "cron-7", "ledger",  "mailer",   "frontend",
                                       "search", "queue",   "agent",    "report"};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void line_make(char *line, unsigned i, int json)
{
    int size = snprintf(
        line, LINE_SIZE, "<134>1 2026-11-22T12:%02u:%02u.%06uZ host-%02u %s %u ID%02u - ",
        i / 60 % 60, i % 60, i * 7919 % 1000000, i % 40, programs[i % 12], 1000 + i % 900, i % 50);
    while (size < NUMBER_AT - (json ? 8 : 0)) {
        line[size++] = ' ';
    }
    size += snprintf(
        line + size, (size_t)(LINE_SIZE - size),
        json ? "{\"seq\":\"%0*u\",\"user\":\"u%04u\",\"path\":\"/api/v2/orders/%u\",\"ms\":%u,"
               "\"status\":200,\"method\":\"GET\",\"bytes\":%u,\"peer\":\"198.51.100.%u\","
               "\"region\":\"jp-east\",\"cache\":true,\"retry\":0,\"note\":\""
             : "%0*u user u%04u asked for /api/v2/orders/%u and was answered in %u ms with %u "
               "bytes from 198.51.100.%u, ",
        NUMBER_LEN, 0u, i * 31 % 10000, i * 17 % 100000, i % 250, i * 13 % 50000, i % 250);
    const char *end = json ? "\"}\n" : "\n";
    size_t tail = strlen(end);
    for (unsigned at = 0; (size_t)size < LINE_SIZE - tail; at++) {
        line[size++] = "steady as the watch goes round "[(at + i) % 31];
    }
    memcpy(line + size, end, tail);
}

static void number_put(char *line, uint64_t number)
{
    char *at = line + NUMBER_AT;
    for (int i = NUMBER_LEN - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

static int dial(const char *kind, const char *address, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    int udp = strcmp(kind, "udp") == 0;
    int s = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (s < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
        connect(s, (const struct sockaddr *)&to, sizeof to) != 0) {
        perror("blast");
        exit(1);
    }
    return s;
}

static void wait_until(double moment)
{
    double left = moment - now();
    if (left > 0) {
        struct timespec t = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
        (void)nanosleep(&t, NULL);
    }
}

static void tcp_send(int s, uint64_t count, double rate)
{
    static char out[PER_WRITE * LINE_SIZE];
    double begun = now();
    for (uint64_t sent = 0; sent < count;) {
        size_t n = count - sent < PER_WRITE ? (size_t)(count - sent) : PER_WRITE;
        for (size_t i = 0; i < n; i++) {
            memcpy(out + i * LINE_SIZE, lines[(sent + i) % LINES], LINE_SIZE);
            number_put(out + i * LINE_SIZE, sent + i);
        }
        for (size_t at = 0; at < n * LINE_SIZE;) {
            ssize_t size = write(s, out + at, n * LINE_SIZE - at);
            if (size <= 0) {
                perror("blast");
                exit(1);
            }
            at += (size_t)size;
        }
        sent += n;
        if (rate > 0) {
            wait_until(begun + (double)sent / rate);
        }
    }
    (void)shutdown(s, SHUT_WR);
    char end[16];
    (void)!read(s, end, sizeof end);
}

static void udp_send(int s, uint64_t count, double rate)
{
    static char out[PER_CALL][LINE_SIZE];
    struct mmsghdr heads[PER_CALL] = {0};
    struct iovec parts[PER_CALL];
    double begun = now();
    for (uint64_t sent = 0; sent < count;) {
        unsigned n = count - sent < PER_CALL ? (unsigned)(count - sent) : PER_CALL;
        for (unsigned i = 0; i < n; i++) {
            memcpy(out[i], lines[(sent + i) % LINES], LINE_SIZE);
            number_put(out[i], sent + i);
            parts[i] = (struct iovec){out[i], LINE_SIZE - 1};
            heads[i].msg_hdr.msg_iov = &parts[i];
            heads[i].msg_hdr.msg_iovlen = 1;
        }
        for (unsigned at = 0; at < n;) {
            int done = sendmmsg(s, heads + at, n - at, 0);
            if (done < 0 && errno != EINTR && errno != ENOBUFS) {
                perror("blast");
                exit(1);
            }
            at += done > 0 ? (unsigned)done : 0;
        }
        sent += n;
        if (rate > 0) {
            wait_until(begun + (double)sent / rate);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        (void)fprintf(stderr, "usage: blast tcp|udp ADDRESS PORT COUNT RATE plain|json\n");
        return 2;
    }
    uint64_t count = strtoull(argv[4], NULL, 10);
    double rate = strtod(argv[5], NULL);
    int json = strcmp(argv[6], "json") == 0;
    for (unsigned i = 0; i < LINES; i++) {
        line_make(lines[i], i, json);
    }
    int s = dial(argv[1], argv[2], argv[3]);
    double begun = now();
    if (strcmp(argv[1], "udp") == 0) {
        udp_send(s, count, rate);
    } else {
        tcp_send(s, count, rate);
    }
    printf("%llu %.6f\n", (unsigned long long)count, now() - begun);
    return 0;
}
