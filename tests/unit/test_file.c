/* test_file.c - whole files: bounds, modes, all or nothing. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "auto.h"
#include "file.h"

static char folder[PATH_MAX], path[PATH_MAX + 8];

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/meshdns-test-file.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
}

static void remove_folder(void)
{
    (void)unlink(path);
    cr_expect_eq(rmdir(folder), 0, "a draft was left behind");
}

TestSuite(file, .init = make_folder, .fini = remove_folder);

static mode_t mode_of(const char *file)
{
    struct stat status;

    cr_assert_eq(stat(file, &status), 0);
    return status.st_mode & 07777;
}

Test(file, what_was_written_is_read_within_the_bound)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    struct error err = {0};

    cr_assert_eq(file_write(path, 0640, "0123456789", 10, &err), 0);
    cr_expect_eq(mode_of(path), 0640);
    cr_assert_eq(file_read(path, 10, &text, &size, &err), 0);
    cr_expect_eq(size, 10);
    cr_expect_str_eq(text, "0123456789");

    char *kept = text;
    cr_expect_eq(file_read(path, 9, &text, &size, &err), ERROR_TOO_LARGE);
    cr_expect_eq(text, kept, "outputs are untouched on failure");
    cr_expect_not_null(strstr(error_line(&err), "larger than 9 bytes"));
    cr_expect_not_null(strstr(error_line(&err), path));
}

Test(file, a_replacement_leaves_no_draft_and_a_failure_leaves_the_old_file)
{
    AUTO_FREE char *text = NULL;
    size_t size;
    struct error err = {0};

    cr_assert_eq(file_write(path, 0600, "old", 3, &err), 0);
    cr_assert_eq(file_write(path, 0600, "new", 3, &err), 0);
    cr_assert_eq(file_read(path, 100, &text, &size, &err), 0);
    cr_expect_str_eq(text, "new");
    cr_expect_eq(file_write("/nonexistent/folder/file", 0600, "x", 1, &err), ERROR_NOT_FOUND);
}

Test(file, a_secret_is_private_whatever_the_umask_and_never_replaced)
{
    AUTO_FREE char *text = NULL;
    size_t size;
    struct error err = {0};

    umask(0);
    cr_assert_eq(file_create_secret(path, "secret", 6, &err), 0);
    cr_expect_eq(mode_of(path), 0600);
    cr_expect_eq(file_create_secret(path, "other", 5, &err), ERROR_CONFLICT);
    cr_assert_eq(file_read_secret(path, 100, &text, &size, &err), 0);
    cr_expect_str_eq(text, "secret");

    cr_assert_eq(chmod(path, 0640), 0);
    char *kept = text;
    cr_expect_eq(file_read_secret(path, 100, &text, &size, &err), ERROR_REFUSED);
    cr_expect_eq(text, kept);
    cr_expect_not_null(strstr(err.text, "0640"));
    cr_expect_not_null(strstr(err.hint, "chmod 600"));
}

Test(file, folders_are_made_with_their_parents)
{
    char deep[PATH_MAX + 16];
    struct error err = {0};

    snprintf(deep, sizeof(deep), "%s/a/b", folder);
    cr_assert_eq(file_make_folder(deep, 0700, &err), 0);
    cr_expect_eq(mode_of(deep), 0700);
    cr_expect_eq(file_make_folder(deep, 0755, &err), 0, "one that is there is left as it is");
    cr_expect_eq(mode_of(deep), 0700);
    cr_expect_eq(rmdir(deep), 0);
    snprintf(deep, sizeof(deep), "%s/a", folder);
    cr_expect_eq(rmdir(deep), 0);
}
