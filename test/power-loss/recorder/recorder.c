// Loaded into a process with LD_PRELOAD: writes down every call that changes files below one folder, in
// one order over all threads, and kills the process or fails the call where it is told to.
//
//   RECORD_ROOT   absolute path of the folder; calls about other files are passed on unseen
//   RECORD_LOG    the file that the records are appended to; layout: `struct record`, path, other path or data
//   RECORD_NOTES  a file whose writes are recorded as notes: so they have their place among the calls
//   RECORD_FAULT  "kill FROM [WHICH]" or "ERRNO FROM UNTIL [WHICH]": what the calls from the FROMth until
//                 before the UNTILth, counted from 0, meet instead of being done. WHICH are counted: all that
//                 are recorded, but closing; "syncs" among them; or "reads", which are not recorded otherwise
//
// 64-bit Linux only: every call goes to the kernel as it is, and off_t is the kernel's.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN = 1, CLOSE, WRITE, TRUNCATE, SYNC, UNLINK, RENAME, MKDIR, NOTE, READ };
enum opened { CREATED = 1, TRUNCATED = 2 };
enum tracked { NOT = 0, FILES, NOTES };

struct record {
  uint32_t kind;
  int32_t fd;
  int64_t offset;
  uint64_t path_length;
  uint64_t data_length;
  uint32_t flags;
  /* 0, or the errno that the call was given. */
  uint32_t error;
};

#define MAX_FD 65536
static char tracked[MAX_FD];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root, *notes;
static int log_fd = -1;
static long long calls, fault_from = -1, fault_until = -1;
static int fault_errno; /* 0: kill */
enum which { ALL = 0, SYNCS, READS };
static enum which fault_of;

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("RECORD_LOG"), *fault = getenv("RECORD_FAULT");
  root = getenv("RECORD_ROOT");
  notes = getenv("RECORD_NOTES");
  if (root == NULL || log == NULL) return;
  log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fault == NULL) return;
  if (sscanf(fault, "kill %lld", &fault_from) == 1) fault_until = fault_from + 1;
  else sscanf(fault, "%d %lld %lld", &fault_errno, &fault_from, &fault_until);
  fault_of = strstr(fault, "reads") ? READS : strstr(fault, "syncs") ? SYNCS : ALL;
}

static int below_root(const char *path) {
  if (log_fd < 0 || path == NULL) return 0;
  size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static enum tracked tracked_as(int fd) { return fd >= 0 && fd < MAX_FD ? (enum tracked)tracked[fd] : NOT; }

static void append(const void *from, size_t length) {
  const char *at = from;
  while (length > 0) {
    long done = syscall(SYS_write, log_fd, at, length);
    if (done <= 0) abort(); /* A record with a gap would prove nothing. */
    at += done;
    length -= (size_t)done;
  }
}

/* What comes after a call is the caller's errno. */
static void note_down(enum kind kind, int fd, int64_t offset, uint32_t flags, int error, const char *path,
                      const void *data, size_t data_length) {
  int before = errno;
  struct record record = {kind, fd, offset, path == NULL ? 0 : strlen(path), data_length, flags, (uint32_t)error};
  append(&record, sizeof record);
  if (path != NULL) append(path, record.path_length);
  append(data, data_length);
  errno = before;
}

/* Under the lock. The errno that this call is to meet; 0 if it is to be done. */
static int meet_fault(enum which which) {
  if (fault_of != which && (fault_of != ALL || which == READS)) return 0;
  long long number = calls++;
  if (number < fault_from || number >= fault_until) return 0;
  if (fault_errno == 0) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  return fault_errno;
}

static int fail(int error) {
  errno = error;
  return -1;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
  int is_note = notes != NULL && log_fd >= 0 && path != NULL && strcmp(path, notes) == 0;
  if (!is_note && !below_root(path)) return (int)syscall(SYS_openat, folder, path, flags, mode);
  pthread_mutex_lock(&lock);
  int error = is_note ? 0 : meet_fault(ALL);
  int created = (flags & O_CREAT) && syscall(SYS_faccessat, folder, path, F_OK) != 0;
  int fd = error ? fail(error) : (int)syscall(SYS_openat, folder, path, flags, mode);
  if (fd >= MAX_FD) abort();
  if (fd >= 0) tracked[fd] = is_note ? NOTES : FILES;
  uint32_t what = fd < 0 ? 0 : (created ? CREATED : 0) | (flags & O_TRUNC ? TRUNCATED : 0);
  if (!is_note && (fd >= 0 || error)) note_down(OPEN, fd, 0, what, error, path, NULL, 0);
  pthread_mutex_unlock(&lock);
  return fd;
}

static mode_t mode_of(int flags, va_list arguments) {
  return flags & (O_CREAT | __O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define OPENS(name)                                    \
  int name(const char *path, int flags, ...) {         \
    va_list arguments;                                 \
    va_start(arguments, flags);                        \
    mode_t mode = mode_of(flags, arguments);           \
    va_end(arguments);                                 \
    return open_at(AT_FDCWD, path, flags, mode);       \
  }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name)                                      \
  int name(int folder, const char *path, int flags, ...) {  \
    va_list arguments;                                      \
    va_start(arguments, flags);                             \
    mode_t mode = mode_of(flags, arguments);                \
    va_end(arguments);                                      \
    return open_at(folder, path, flags, mode);              \
  }
OPENS_AT(openat)
OPENS_AT(openat64)

int close(int fd) {
  if (tracked_as(fd) == NOT) return (int)syscall(SYS_close, fd);
  pthread_mutex_lock(&lock);
  if (tracked_as(fd) == FILES) note_down(CLOSE, fd, 0, 0, 0, NULL, NULL, 0);
  tracked[fd] = NOT;
  int result = (int)syscall(SYS_close, fd);
  pthread_mutex_unlock(&lock);
  return result;
}

static ssize_t write_at(int fd, const void *data, size_t length, off_t offset) {
  pthread_mutex_lock(&lock);
  int is_note = tracked_as(fd) == NOTES;
  int error = is_note ? 0 : meet_fault(ALL);
  ssize_t done = error ? fail(error) : syscall(SYS_pwrite64, fd, data, length, offset);
  if (done >= 0 || error)
    note_down(is_note ? NOTE : WRITE, fd, offset, 0, error, NULL, data, done < 0 ? 0 : (size_t)done);
  pthread_mutex_unlock(&lock);
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
  if (tracked_as(fd) == NOT) return syscall(SYS_pwrite64, fd, data, length, offset);
  return write_at(fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  return pwrite(fd, data, length, offset);
}

/* A file written at its position would be one that this does not follow, but for the notes. */
ssize_t write(int fd, const void *data, size_t length) {
  if (tracked_as(fd) == NOT) return syscall(SYS_write, fd, data, length);
  off_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t done = write_at(fd, data, length, at);
  if (done > 0) lseek(fd, at + done, SEEK_SET);
  return done;
}

ssize_t pread64(int fd, void *data, size_t length, off64_t offset) {
  if (tracked_as(fd) == FILES) {
    pthread_mutex_lock(&lock);
    int error = meet_fault(READS);
    if (error) note_down(READ, fd, offset, 0, error, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    if (error) return fail(error);
  }
  return syscall(SYS_pread64, fd, data, length, offset);
}

ssize_t pread(int fd, void *data, size_t length, off_t offset) { return pread64(fd, data, length, offset); }

#define TRUNCATES(name, offset_type)                                                      \
  int name(int fd, offset_type size) {                                                    \
    if (tracked_as(fd) == NOT) return (int)syscall(SYS_ftruncate, fd, size);              \
    pthread_mutex_lock(&lock);                                                            \
    int error = meet_fault(ALL);                                                             \
    int result = error ? fail(error) : (int)syscall(SYS_ftruncate, fd, size);             \
    if (result == 0 || error) note_down(TRUNCATE, fd, size, 0, error, NULL, NULL, 0);     \
    pthread_mutex_unlock(&lock);                                                          \
    return result;                                                                        \
  }
TRUNCATES(ftruncate, off_t)
TRUNCATES(ftruncate64, off64_t)

#define DEFINE_SYNC(name, number)                                                      \
  int name(int fd) {                                                             \
    if (tracked_as(fd) == NOT) return (int)syscall(number, fd);                  \
    pthread_mutex_lock(&lock);                                                   \
    int error = meet_fault(SYNCS);                                                    \
    int result = error ? fail(error) : (int)syscall(number, fd);                 \
    if (result == 0 || error) note_down(SYNC, fd, 0, 0, error, NULL, NULL, 0);   \
    pthread_mutex_unlock(&lock);                                                 \
    return result;                                                               \
  }
DEFINE_SYNC(fsync, SYS_fsync)
DEFINE_SYNC(fdatasync, SYS_fdatasync)

static int change_names(enum kind kind, const char *path, const char *other, long number, long flags) {
  pthread_mutex_lock(&lock);
  int error = meet_fault(ALL);
  int result = error              ? fail(error)
               : kind == RENAME   ? (int)syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 0)
                                  : (int)syscall(number, AT_FDCWD, path, flags);
  if (result == 0 || error) note_down(kind, -1, 0, 0, error, path, other, other == NULL ? 0 : strlen(other));
  pthread_mutex_unlock(&lock);
  return result;
}

int unlink(const char *path) {
  if (!below_root(path)) return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  return change_names(UNLINK, path, NULL, SYS_unlinkat, 0);
}

int mkdir(const char *path, mode_t mode) {
  if (!below_root(path)) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  return change_names(MKDIR, path, NULL, SYS_mkdirat, mode);
}

int rename(const char *from, const char *to) {
  if (!below_root(from)) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  return change_names(RENAME, from, to, 0, 0);
}
