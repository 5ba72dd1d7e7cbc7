/*
 * A disk that misbehaves, for one process: gcc -shared -fPIC -O2 -o shim.so shim.c -ldl -lpthread, then LD_PRELOAD.
 * It heeds calls on files below SHIM_DIR only. A file of 64 bytes, SHIM_CONTROL, is shared with the test, which may change it at any time:
 *
 *   u32  0 fail_at   the call that fails, counted from 1; 0: none      u32 16 injected  calls that failed
 *   u32  4 forever   not 0: every call from fail_at on fails           u32 20 delay_us  what each sync takes longer
 *   u32  8 error     errno of a failed call                            u32 24 syncs     fsync and fdatasync
 *   u32 12 calls     write, pwrite, ftruncate, fsync, fdatasync        u64 32 bytes     written
 *
 * With SHIM_SHADOW a second folder gets what a disk would hold for certain: the bytes of a file at the moments of its syncs, and only
 * those. A sync that fails forgets what was to be synchronised, as Linux does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct control {
  volatile uint32_t fail_at, forever, error, calls, injected, delay_us, syncs, spare;
  volatile uint64_t bytes;
};
struct dirty {
  dev_t device;
  ino_t inode;
  size_t count, room;
  struct { off_t at; size_t bytes; } *ranges;
  struct dirty *next;
};

static struct control *control;
static const char *folder, *shadow;
static size_t folder_length;
static struct dirty *files[1024];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_open)(const char *, int, ...);

__attribute__((constructor)) static void begin(void) {
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_open = dlsym(RTLD_NEXT, "open64");
  shadow = getenv("SHIM_SHADOW");
  const char *path = getenv("SHIM_CONTROL");
  const char *where = getenv("SHIM_DIR");
  if (path == NULL || where == NULL) return;
  int fd = real_open(path, O_RDWR | O_CLOEXEC);
  void *shared = fd < 0 ? MAP_FAILED : mmap(NULL, 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) {
    perror("SHIM_CONTROL");
    abort();
  }
  close(fd);
  control = shared;
  folder_length = strlen(where);
  folder = where;
}

/* The part of a path below the folder; NULL for others. */
static const char *below(const char *path) {
  if (folder == NULL || strncmp(path, folder, folder_length) != 0 || path[folder_length] != '/') return NULL;
  return path + folder_length + 1;
}

static const char *below_fd(int fd, char *buffer, size_t bytes) {
  if (folder == NULL) return NULL;
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, buffer, bytes - 1);
  if (length < 0) return NULL;
  buffer[length] = 0;
  return below(buffer);
}

/* Whether this call is the one that fails. */
static int fails(void) {
  uint32_t call = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
  uint32_t at = control->fail_at;
  if (at == 0 || (control->forever ? call < at : call != at)) return 0;
  __atomic_add_fetch(&control->injected, 1, __ATOMIC_SEQ_CST);
  errno = control->error;
  return 1;
}

static struct dirty *of(int fd) {
  struct stat found;
  if (fstat(fd, &found) != 0) return NULL;
  struct dirty **place = &files[found.st_ino % 1024];
  for (; *place != NULL; place = &(*place)->next)
    if ((*place)->inode == found.st_ino && (*place)->device == found.st_dev) return *place;
  *place = calloc(1, sizeof **place);
  (*place)->inode = found.st_ino;
  (*place)->device = found.st_dev;
  return *place;
}

static void wrote(int fd, off_t at, ssize_t bytes) {
  if (bytes <= 0) return;
  __atomic_add_fetch(&control->bytes, (uint64_t)bytes, __ATOMIC_SEQ_CST);
  if (shadow == NULL) return;
  pthread_mutex_lock(&lock);
  struct dirty *file = of(fd);
  if (file->count == file->room) {
    file->room = file->room * 2 + 16;
    file->ranges = realloc(file->ranges, file->room * sizeof *file->ranges);
  }
  file->ranges[file->count].at = at;
  file->ranges[file->count++].bytes = (size_t)bytes;
  pthread_mutex_unlock(&lock);
}

static void shadow_path(const char *name, char *path, size_t bytes) {
  snprintf(path, bytes, "%s/%s", shadow, name);
  for (char *slash = path + strlen(shadow) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
    *slash = 0;
    mkdir(path, 0700);
    *slash = '/';
  }
}

/* Copies what was written since the last sync. */
static void synchronise(int fd, const char *name) {
  struct stat found;
  char path[4096], link[40], chunk[65536];
  if (fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return;
  pthread_mutex_lock(&lock);
  struct dirty *file = of(fd);
  shadow_path(name, path, sizeof path);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int from = real_open(link, O_RDONLY | O_CLOEXEC);
  int to = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  for (size_t i = 0; i < file->count; i++) {
    off_t at = file->ranges[i].at;
    for (size_t left = file->ranges[i].bytes; left > 0;) {
      ssize_t bytes = pread(from, chunk, left < sizeof chunk ? left : sizeof chunk, at);
      if (bytes <= 0) break;
      if (real_pwrite(to, chunk, (size_t)bytes, at) != bytes) abort();
      at += bytes;
      left -= (size_t)bytes;
    }
  }
  file->count = 0;
  if (real_ftruncate(to, found.st_size) != 0) abort();
  close(from);
  close(to);
  pthread_mutex_unlock(&lock);
}

static void forget(int fd) {
  pthread_mutex_lock(&lock);
  struct dirty *file = of(fd);
  if (file != NULL) file->count = 0;
  pthread_mutex_unlock(&lock);
}

ssize_t write(int fd, const void *data, size_t bytes) {
  char buffer[4096];
  if (below_fd(fd, buffer, sizeof buffer) == NULL) return real_write(fd, data, bytes);
  if (fails()) return -1;
  off_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t written = real_write(fd, data, bytes);
  wrote(fd, at, written);
  return written;
}

ssize_t pwrite64(int fd, const void *data, size_t bytes, off_t at) {
  char buffer[4096];
  if (below_fd(fd, buffer, sizeof buffer) == NULL) return real_pwrite(fd, data, bytes, at);
  if (fails()) return -1;
  ssize_t written = real_pwrite(fd, data, bytes, at);
  wrote(fd, at, written);
  return written;
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) { return pwrite64(fd, data, bytes, at); }

int ftruncate64(int fd, off_t bytes) {
  char buffer[4096];
  if (below_fd(fd, buffer, sizeof buffer) != NULL && fails()) return -1;
  return real_ftruncate(fd, bytes);
}

int ftruncate(int fd, off_t bytes) { return ftruncate64(fd, bytes); }

static int sync_file(int fd, int (*really)(int)) {
  char buffer[4096];
  const char *name = below_fd(fd, buffer, sizeof buffer);
  if (name == NULL) return really(fd);
  __atomic_add_fetch(&control->syncs, 1, __ATOMIC_SEQ_CST);
  if (fails()) {
    int error = errno;
    forget(fd);
    errno = error;
    return -1;
  }
  if (control->delay_us > 0) {
    struct timespec delay = {control->delay_us / 1000000, (control->delay_us % 1000000) * 1000L};
    while (nanosleep(&delay, &delay) != 0 && errno == EINTR) continue;
  }
  if (shadow == NULL) return really(fd);
  synchronise(fd, name);
  return 0;
}

int fsync(int fd) { return sync_file(fd, real_fsync); }
int fdatasync(int fd) { return sync_file(fd, real_fdatasync); }

int rename(const char *from, const char *to) {
  int result = real_rename(from, to);
  const char *old_name = below(from), *new_name = below(to);
  if (result == 0 && shadow != NULL && old_name != NULL && new_name != NULL) {
    char old_path[4096], new_path[4096];
    shadow_path(old_name, old_path, sizeof old_path);
    shadow_path(new_name, new_path, sizeof new_path);
    real_rename(old_path, new_path);
  }
  return result;
}

int unlink(const char *path) {
  int result = real_unlink(path);
  const char *name = below(path);
  if (result == 0 && shadow != NULL && name != NULL) {
    char copy[4096];
    shadow_path(name, copy, sizeof copy);
    real_unlink(copy);
  }
  return result;
}
