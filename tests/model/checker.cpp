// checker.cpp - runs the shipped writer and reader under relacy, which plays the C11 memory model.
//
//     model RUNS [WEAKENED [WRONG]]
//
// WEAKENED is an order that is taken away: first-load, acquire-fence, release-fence, even-store; or
// slot, both of the slot's, which the fences make up for. Without one and with slot no run may be
// wrong; with another one, or with WRONG for a reader that was changed at compile time, at least
// one must be. A wrong run is counted, not asserted: relacy's report of an assertion frees twice.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdint.h>

// Relacy keeps 3 stores of each word for loads to choose from; a block is written more often.
#include <relacy/pch.hpp>
#include <relacy/platform.hpp>

#define atomic_history_size relacys_own_history_size
#include <relacy/defs.hpp>
#undef atomic_history_size
namespace rl
{
size_t const atomic_history_size = 12;
}
#include <relacy/relacy_std.hpp>

#include "model.h"

namespace
{

enum weakened { NOTHING, FIRST_LOAD, ACQUIRE_FENCE, RELEASE_FENCE, EVEN_STORE, SLOT, ALL };
char const *const names[] = {"none",          "first-load", "acquire-fence",
                             "release-fence", "even-store", "slot"};

weakened weak = NOTHING;
unsigned long wrong_runs = 0, weakenings = 0;
char const *first_wrong = "";

struct protocol;
protocol *now = NULL; // the run that is on, when the shipped code is asked by it

struct protocol : rl::test_suite<protocol, 2> {
    rl::atomic<uint64_t> words[MODEL_WORDS];

    void before()
    {
        for (size_t i = 0; i < MODEL_WORDS; i++)
            words[i].store(model_start(i), rl::mo_relaxed, RL_INFO);
        now = this;
    }

    void thread(unsigned index)
    {
        if (index == 0) {
            model_write();
            return;
        }
        char const *wrong = model_read();
        if (wrong && wrong_runs++ == 0)
            first_wrong = wrong;
    }

    void after()
    {
        now = NULL;
    }
};

rl::memory_order order_of(int order)
{
    switch (order) {
    case __ATOMIC_RELAXED:
        return rl::mo_relaxed;
    case __ATOMIC_ACQUIRE:
        return rl::mo_acquire;
    case __ATOMIC_RELEASE:
        return rl::mo_release;
    default:
        std::abort(); // the shipped code uses no other
    }
}

bool is_weakened(weakened which)
{
    if (weak != which)
        return false;
    weakenings++;
    return true;
}

} // namespace

extern "C" bool model_load(void const volatile *from, size_t size, void *ret_value, int order)
{
    int const word = model_word(from);

    if (!now || word < 0)
        return false;
    if (size != 8)
        std::abort();
    rl::memory_order mo = order_of(order);
    if (model_kind(word) == MODEL_SEQUENCE && mo == rl::mo_acquire && is_weakened(FIRST_LOAD))
        mo = rl::mo_relaxed;
    if (model_kind(word) == MODEL_SLOT && is_weakened(SLOT))
        mo = rl::mo_relaxed;
    uint64_t const value = now->words[word].load(mo, RL_INFO);
    std::memcpy(ret_value, &value, 8);
    return true;
}

extern "C" bool model_store(void volatile *to, size_t size, void const *value, int order)
{
    int const word = model_word(to);
    uint64_t stored;

    if (!now || word < 0)
        return false;
    if (size != 8)
        std::abort();
    rl::memory_order mo = order_of(order);
    if (model_kind(word) == MODEL_SEQUENCE && mo == rl::mo_release && is_weakened(EVEN_STORE))
        mo = rl::mo_relaxed;
    if (model_kind(word) == MODEL_SLOT && is_weakened(SLOT))
        mo = rl::mo_relaxed;
    std::memcpy(&stored, value, 8);
    now->words[word].store(stored, mo, RL_INFO);
    return true;
}

extern "C" void model_fence(int order)
{
    if (!now || is_weakened(order == __ATOMIC_ACQUIRE ? ACQUIRE_FENCE : RELEASE_FENCE))
        return;
    rl::atomic_thread_fence(order_of(order), RL_INFO);
}

static bool tap(bool is_good, char const *what, unsigned long number, char const *more)
{
    static int lines = 0;

    std::printf("%sok %d - %s: %lu %s\n", is_good ? "" : "not ", ++lines, what, number, more);
    return is_good;
}

int main(int argc, char **argv)
{
    rl::test_params params;
    std::ostringstream said;
    bool is_good;

    params.iteration_count = argc > 1 ? std::strtoul(argv[1], NULL, 10) : 1000;
    params.output_stream = params.progress_stream = &said;
    for (int i = 0; argc > 2 && i < ALL; i++)
        if (std::strcmp(argv[2], names[i]) == 0)
            weak = weakened(i);
    bool const must_fail = (weak != NOTHING && weak != SLOT) || argc > 3;

    model_prepare();
    bool const is_run = rl::simulate<protocol>(params);
    std::printf("1..%d\n", weak == NOTHING ? 2 : 3);
    is_good = tap(is_run, "runs that relacy finished", params.stop_iteration, "");
    if (!is_run)
        std::printf("# %s\n", said.str().c_str());
    is_good &= tap(must_fail == (wrong_runs > 0),
                   must_fail ? "wrong runs, as there must be" : "wrong runs, as there must be none",
                   wrong_runs, first_wrong);
    if (weak != NOTHING)
        is_good &= tap(weakenings > 0, "times the order was weakened", weakenings, "");
    return is_good ? 0 : 1;
}
