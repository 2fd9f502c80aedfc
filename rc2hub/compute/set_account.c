/* Called from R with .C(): changes the process to one account, without a way back. R has no function for that. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

void rc2_set_account(int *uid, int *groups, int *count, char **tempdir, int *error) {
  *error = 0;
  if (chown(*tempdir, *uid, *uid) || setgroups(*count, (gid_t *)groups) || setresgid(*uid, *uid, *uid) || setresuid(*uid, *uid, *uid) ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
      prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)) /* else /proc/self would stay root's */
    *error = errno;
}
