/* pick.c - exponential clocks in fixed point.
 *
 * If each destination draws -log(u) / weight, the smallest is destination i with probability
 * weight_i / sum, the next smallest is a draw among the rest, and so on [1]. With u = hash(key, i)
 * the same race is weighted rendezvous hashing [2]. Two runners are compared by multiplying
 * crosswise: a logarithm has 6 + 42 bits, a weight 16, so the products fit into 64 bits exactly.
 *
 * The logarithm: u = m * 2^-(n + 1), 1 <= m < 2; log2(m) = log2(c) + log2(1 + r), where c is the
 * multiple of 1/128 next to m and log2(1 + r) = r / ln 2 * (1 - r / 2 + r^2 / 3). For u next to 1,
 * where the winners are, c is 2 and log2(c) is exact, so that the error stays relative. Integers
 * only: `sticky` must choose alike on all machines. The table is part of that: never change it.
 *
 * [1] P. Efraimidis, P. Spirakis, Information Processing Letters 97(5), 2006.
 * [2] D. Thaler, C. Ravishankar, IEEE/ACM Trans. Networking 6(1), 1998.
 */
#include "pick.h"

#define LOG_BITS 42
#define STEP     (LOG_BITS - 7) /* a step of the table is 1/128 */
#define FACTOR   28             /* bits of the factors that r is multiplied by */
#define ONE_LN2  387270501      /* 2^FACTOR / ln 2 */

/* log2(1 + i / 128) in units of 2^-LOG_BITS. */
static const uint64_t logs[129] = {
    0x00000000000, 0x00b7f285b78, 0x016e79685c3, 0x02239a3aa26, 0x02d75a6eb1e, 0x0389bf57215,
    0x043ace27e8a, 0x04ea8bf74a0, 0x0598fdbeb24, 0x0646285b919, 0x06f210902b7, 0x079cbb045ff,
    0x08462c466d4, 0x08ee68cbaa9, 0x099574f13c5, 0x0a3b54fcc20, 0x0ae00d1cfdf, 0x0b83a16a778,
    0x0c2615e8178, 0x0cc76e83bf4, 0x0d67af16da7, 0x0e06db66eca, 0x0ea4f726193, 0x0f4205f3a73,
    0x0fde0b5c813, 0x10790adbb03, 0x111307dad31, 0x11ac05b291f, 0x124407ab0e0, 0x12db10fc4da,
    0x137124cea4d, 0x1406463b1b0, 0x149a784bcd2, 0x152dbdfc4c9, 0x15c01a39fbd, 0x16518fe4678,
    0x16e221cd9d1, 0x1771d2ba7f0, 0x1800a563162, 0x188e9c72e0b, 0x191bba891f1, 0x19a802391e2,
    0x1a33760a7f6, 0x1abe18797f2, 0x1b47ebf7388, 0x1bd0f2e9e79, 0x1c592fad296, 0x1ce0a4923a6,
    0x1d6753e032f, 0x1ded3fd4423, 0x1e726aa1e75, 0x1ef6d67328e, 0x1f7a8568cb0, 0x1ffd799a840,
    0x207fb5172f3, 0x210139e4fee, 0x21820a01ac7, 0x22022762a79, 0x228193f543d, 0x2300519ee53,
    0x237e623d2ba, 0x23fbc7a61d0, 0x247883a84e5, 0x24f4980b0b9, 0x2570068e7ef, 0x25ead0ebd68,
    0x2664f8d5694, 0x26de7ff6db2, 0x275767f5404, 0x27cfb26f3ee, 0x284760fd30d, 0x28be7531441,
    0x2934f0979a3, 0x29aad4b667a, 0x2a20230e115, 0x2a94dd194a8, 0x2b09044d314, 0x2b7c9a196a3,
    0x2bef9fe83c1, 0x2c62171eaa6, 0x2cd4011c8f1, 0x2d455f3cb42, 0x2db632d4ec3, 0x2e267d362ae,
    0x2e963fac9c1, 0x2f057b7fbb5, 0x2f7431f26a0, 0x2fe2644305a, 0x305013ab7ce, 0x30bd416164f,
    0x3129ee960de, 0x31961c76967, 0x3201cc2c000, 0x326cfedb415, 0x32d7b5a5597, 0x3341f1a761c,
    0x33abb3faa02, 0x3414fdb4982, 0x347dcfe71c3, 0x34e62ba05e4, 0x354e11eb003, 0x35b583ce239,
    0x361c824d799, 0x36830e69520, 0x36e9291eaa6, 0x374ed3673c9, 0x37b40e398d0, 0x3818da88f8c,
    0x387d3945c34, 0x38e12b5d23c, 0x3944b1b9526, 0x39a7cd41951, 0x3a0a7eda4c1, 0x3a6cc764fe6,
    0x3acea7c065d, 0x3b3020c87ad, 0x3b9133567ff, 0x3bf1e0410d6, 0x3c52285c1c0, 0x3cb20c79104,
    0x3d118d66c4d, 0x3d70abf1951, 0x3dcf68e3675, 0x3e2dc503b6f, 0x3e8bc1179e1, 0x3ee95de1df6,
    0x3f469c22ef8, 0x3fa37c98fe5, 0x40000000000,
};

uint64_t pick_log(uint64_t random)
{
    random |= 2;

    unsigned zeros = (unsigned)__builtin_clzll(random);
    uint64_t fraction = random << zeros << 1 >> (64 - LOG_BITS); /* of m */
    uint64_t step = (fraction + (UINT64_C(1) << (STEP - 1))) >> STEP;
    int64_t distance = (int64_t)fraction - (int64_t)(step << STEP); /* at most 2^34 */
    int64_t inverse = (INT64_C(1) << (FACTOR + 7)) / (int64_t)(128 + step);
    int64_t r = distance * inverse >> FACTOR;

    int64_t small = r >> (LOG_BITS - FACTOR);
    int64_t series = (INT64_C(1) << FACTOR) - small / 2 + (small * small >> FACTOR) / 3;
    int64_t log = (int64_t)logs[step] + (r * (series * ONE_LN2 >> FACTOR) >> FACTOR);

    return ((uint64_t)(zeros + 1) << LOG_BITS) - (uint64_t)log;
}

void pick_enter(struct pick_race *race, size_t index, uint16_t weight, uint64_t random)
{
    struct pick_runner runner = {pick_log(random), weight, (uint16_t)index};

    if (weight == 0)
        return;
    size_t place = race->count < race->most ? race->count++ : race->most;
    /* Later than the last one so far, unless it overtakes: log / weight < log / weight. */
    while (place > 0 && runner.log * race->runners[place - 1].weight <
                            race->runners[place - 1].log * runner.weight) {
        if (place < race->most)
            race->runners[place] = race->runners[place - 1];
        place--;
    }
    if (place < race->most)
        race->runners[place] = runner;
}
