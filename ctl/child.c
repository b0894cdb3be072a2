/* child.c - runs a program and waits for it.
 *
 * Signals are blocked and taken one by one with sigwaitinfo, so there is no handler. The kernel
 * sends ^C to the whole foreground group (SI_KERNEL): the child has it already, and gets it once.
 * ^Z is left alone and stops both.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auto.h"

#define NOT_FOUND      127
#define NOT_EXECUTABLE 126

static const int forwarded[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};

static int refuse(const char *program, int number, struct error *err)
{
    errno = number;
    (void)error_errno(err, program, "cannot run");
    return number == ENOENT || number == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE;
}

int child_exec(char *const *arguments, struct error *err)
{
    (void)execvp(arguments[0], arguments);
    return refuse(arguments[0], errno, err);
}

/* In the child: becomes the program, or writes errno to the pipe. */
static void become(char *const *arguments, const sigset_t *mask, int report)
{
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    (void)execvp(arguments[0], arguments);

    int number = errno;
    if (write(report, &number, sizeof(number)) < 0)
        _exit(NOT_EXECUTABLE);
    _exit(number == ENOENT || number == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE);
}

/* Waits, handing signals on. Returns the status of waitpid. */
static int wait_for(pid_t child, const sigset_t *taken)
{
    siginfo_t info;
    int status;

    for (;;) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR))
            return ended == child ? status : 0;
        int number = sigwaitinfo(taken, &info);
        if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL)
            (void)kill(child, number);
    }
}

int child_run(char *const *arguments, struct error *err)
{
    sigset_t taken, mask;
    int report[2], number = 0;

    sigemptyset(&taken);
    sigaddset(&taken, SIGCHLD);
    for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
        sigaddset(&taken, forwarded[i]);
    if (pipe2(report, O_CLOEXEC) < 0)
        return error_errno(err, NULL, "cannot make a pipe");
    AUTO_CLOSE int read_end = report[0];
    int write_end = report[1];
    (void)signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would hide how the child ended */
    (void)sigprocmask(SIG_BLOCK, &taken, &mask);

    pid_t child = fork();
    if (child == 0)
        become(arguments, &mask, write_end);
    int failure = errno;
    (void)close(write_end);
    if (child < 0) {
        (void)sigprocmask(SIG_SETMASK, &mask, NULL);
        errno = failure;
        return error_errno(err, NULL, "cannot start a process");
    }
    /* The pipe closes when the program has begun; a byte in it says that it has not. */
    ssize_t got;
    do {
        got = read(read_end, &number, sizeof(number));
    } while (got < 0 && errno == EINTR);
    int status = wait_for(child, &taken);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    if (got == (ssize_t)sizeof(number))
        return refuse(arguments[0], number, err);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
