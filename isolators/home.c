// SPDX-License-Identifier: Apache-2.0
/* Async-signal-safe: it runs between clone3 and execve. */
#include "isolators/home.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWD_MAX (1U << 20) /* bytes that are looked at */
#define LINE_BYTES 4608 /* name, home and the rest */
#define HOME_SIGN  5 /* bytes of "HOME=" */

enum { NAME, PASSWORD, UID, GID, GECOS, HOME, FIELDS };

/* Fields of a line, which end in NULs then. Return: false: there are too few */
static bool split(char *line, char *ret[FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		ret[i] = line;
		line = strchr(line, ':');
		if (!line)
			return i == FIELDS - 1;
		*line++ = '\0';
	}
	return true;
}

static bool is_number(const char *text, uint32_t want)
{
	uint64_t v = 0;

	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9' || v > UINT32_MAX)
			return false;
		v = v * 10 + (uint64_t)(*p - '0');
	}
	return *text && v == want;
}

/* Return: true: this is the line of the user */
static bool take_line(char *line, uint32_t uid, char *buf, size_t size)
{
	char *field[FIELDS];
	size_t len;

	if (!split(line, field) || !is_number(field[UID], uid))
		return false;
	len = strlen(field[HOME]);
	if (field[HOME][0] == '/' && HOME_SIGN + len < size)
		memcpy(buf + HOME_SIGN, field[HOME], len + 1);
	return true;
}

void home_find(uint32_t uid, char *buf, size_t size)
{
	int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char line[LINE_BYTES], part[4096];
	size_t len = 0, seen = 0;
	bool found = false;
	struct stat st;
	ssize_t n;

	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode)))
		seen = PASSWD_MAX;
	while (fd >= 0 && !found && seen < PASSWD_MAX && (n = read(fd, part, sizeof(part))) > 0) {
		seen += (size_t)n;
		for (ssize_t i = 0; i < n && !found; i++) {
			if (part[i] != '\n') {
				len += len < sizeof(line); /* a longer one is nobody's */
				line[len - 1] = part[i];
				continue;
			}
			if (len < sizeof(line)) {
				line[len] = '\0';
				found = take_line(line, uid, buf, size);
			}
			len = 0;
		}
	}
	line[len < sizeof(line) ? len : 0] = '\0'; /* the last one may have no end */
	if (!found)
		(void)take_line(line, uid, buf, size); /* "/" stays */
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
}
