"""test_hostile.py - where meshdns must not break things: tests/hostile's cases, both ways in."""

import os
import re
import shutil

import harness
from harness import check
from hostile import HOSTS, PROGRAMS, run, silent_ways, ways
from modules import DRAWS


def test_descriptors_that_a_program_closes_and_uses_again_are_left_to_it():
    run('closed_descriptors', ways())


def test_a_program_without_standard_descriptors_gets_its_answers_and_keeps_the_numbers_free():
    run('closed_standard_descriptors', ways())


def test_rights_may_be_dropped_before_and_after_the_first_look_up():
    run('dropped_privileges', ways())


def test_with_three_descriptors_at_most_it_is_a_miss_and_later_a_hit():
    run('few_descriptors', ways())


def test_without_address_space_it_is_a_miss_and_later_a_hit():
    run('little_address_space', ways(), names=20000)


def test_the_snapshot_is_not_counted_as_data():
    run('little_data', ways(), names=100000)


def test_the_snapshot_is_not_counted_as_locked_memory():
    run('locked_memory', ways(), names=100000)
    run('locked_memory_limit', ways(), names=100000)
    run('locked_memory_limit', ways(), env={'HOSTILE_WITHIN': 1})


def test_core_dumps_do_not_hold_the_snapshot():
    run('dumps', ways())


def test_children_in_their_parents_memory_look_names_up():
    run('vfork', ways())


def test_look_ups_go_on_while_the_program_ends():
    run('at_exit', ways())


def test_in_another_root_it_is_as_the_manual_says():
    for case in ('chroot_after', 'chroot_before', 'pivot_root', 'namespaces'):
        run(case, ways())


def test_a_clock_that_is_set_back_ends_no_waiting_time_later():
    run('clock_set_back', ways())


def test_filters_that_kill_after_the_first_look_up_let_hits_and_misses_go_on():
    run('killed_for_files', silent_ways())
    run('killed_for_all', silent_ways())


def libc_calls():
    """The numbers of the system calls of a program for which libc alone looks a name up."""
    plain = ways()[0].machine
    trace = os.path.join(harness.folder(), 'trace')
    plain.hosts(HOSTS)
    plain.run(['strace', '-f', '-n', '-o', trace, DRAWS, 'v4', 'miss.example', 1])
    return sorted(set(map(int, re.findall(r'^\d+ +\[ *(\d+)\]', harness.read(trace), re.M))))


def test_a_program_that_asks_for_no_name_of_the_mesh_makes_no_unusual_system_call():
    run('killed_before_a_match', ways())
    calls = libc_calls()
    check(10 < len(calls) < 50, f'these are no system calls of a program: {calls}')
    run('killed_for_all_but_libc', ways(), env={'HOSTILE_ALLOWED': ' '.join(map(str, calls))})


def test_system_calls_that_are_refused_end_no_program():
    run('refused_growth', silent_ways())
    run('refused_first', ways())
    # Started through a descriptor, its name has to be asked for.
    run('refused_first', ways(), prefix=['sh', '-c', 'exec 9<"$0"; exec /proc/self/fd/9 "$1"'])


def test_growth_is_followed_under_a_filter_with_the_system_calls_of_the_manual():
    run('allowed_growth', silent_ways())


def test_children_that_are_forked_among_looking_threads_do_not_hang_and_draw_anew():
    run('fork_from_threads', ways())


def test_threads_may_be_cancelled_in_a_look_up():
    run('cancelled_when_due', ways())
    run('cancelled_anywhere', ways())


def test_look_ups_in_signal_handlers_disturb_none():
    run('signals', ways())


def test_the_smallest_stack_suffices():
    run('small_stack', ways())


def test_libraries_in_scopes_of_their_own_get_what_the_manual_says():
    run('own_namespace', ways())
    run('deep_bind', ways())


def test_nss_loads_its_module_where_static_thread_storage_is_used_up():
    copies = harness.folder()
    os.chmod(copies, 0o755)
    for i in range(64):
        shutil.copy(os.path.join(PROGRAMS, 'libstorage.so'), os.path.join(copies, f'{i}.so'))
    run('static_tls', ways()[1:], env={'HOSTILE_TLS': copies})


if __name__ == '__main__':
    harness.main()
