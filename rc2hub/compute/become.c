/* Called from R with .C(): the process becomes one account, for good. R has no function of its own for that. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

void rc2_become(int *uid, int *groups, int *count, char **tempdir, int *error) {
  *error = 0;
  if (chown(*tempdir, *uid, *uid) || setgroups(*count, (gid_t *)groups) || setresgid(*uid, *uid, *uid) || setresuid(*uid, *uid, *uid) ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
      prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)) /* else /proc/self would stay root's */
    *error = errno;
}
