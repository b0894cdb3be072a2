/* test_seal.c - what was sealed opens, and nothing else does. */
#include <criterion/criterion.h>

#include "auto.h"
#include "seal.h"

static const char body[] = "what the controller says";

struct scene {
    struct key_sign sign;
    struct seal_expected expected;
    struct seal_header header;
};

static void set_up(void)
{
    cr_assert_eq(key_init(NULL), 0);
}

TestSuite(seal, .init = set_up);

static struct scene make_scene(uint64_t epoch)
{
    struct scene scene = {.header = {.kind = 67,
                                     .mesh_id = "mesh of the tes",
                                     .epoch = epoch,
                                     .sequence = 0x0102030405060708}};

    key_sign_make(&scene.sign);
    memcpy(scene.expected.mesh_id, scene.header.mesh_id, SEAL_MESH_ID);
    memcpy(scene.expected.public_key, scene.sign.public_key, KEY_SIGN_PUBLIC);
    scene.expected.epoch = 7;
    memset(scene.expected.group_key, 0x5a, KEY_GROUP);
    return scene;
}

static void close_scene(const struct scene *scene, struct buffer *message)
{
    cr_assert_eq(seal_close(&scene->header, scene->expected.group_key, scene->sign.secret_key, body,
                            sizeof(body), message, NULL),
                 0);
}

/* Opens, and expects that a refused message leaves no body behind. */
static enum seal_refusal try_open(const struct scene *scene, const void *bytes, size_t size)
{
    AUTO_BUFFER struct buffer opened = {0};
    struct seal_header header;
    enum seal_refusal refusal = seal_open(bytes, size, &scene->expected, &header, &opened);

    if (refusal == SEAL_OK) {
        cr_expect_eq(opened.size, sizeof(body));
        cr_expect_eq(memcmp(opened.bytes, body, sizeof(body)), 0);
        cr_expect_eq(header.kind, scene->header.kind);
        cr_expect_eq(header.sequence, scene->header.sequence);
        cr_expect_eq(header.epoch, scene->header.epoch);
    } else {
        cr_expect_eq(opened.size, 0);
    }
    return refusal;
}

Test(seal, a_sealed_message_opens_and_hides_its_body_unless_its_epoch_is_0)
{
    for (uint64_t epoch = 0; epoch <= 7; epoch += 7) {
        struct scene scene = make_scene(epoch);
        AUTO_BUFFER struct buffer message = {0};

        close_scene(&scene, &message);
        cr_expect_eq(try_open(&scene, message.bytes, message.size), SEAL_OK);
        cr_expect_eq(message.size, sizeof(body) + SEAL_OVERHEAD - (epoch ? 0 : 16));
        cr_expect_eq(memmem(message.bytes, message.size, "controller", 10) == NULL, epoch != 0);
    }
}

Test(seal, the_header_lies_as_its_description_says)
{
    static const uint8_t golden[40] = "MDNS\0\1\0\103mesh of the tes\0\0\0\0\0\0\0\0\7"
                                      "\1\2\3\4\5\6\7\10";
    struct scene scene = make_scene(7);
    AUTO_BUFFER struct buffer message = {0};

    close_scene(&scene, &message);
    cr_expect_eq(memcmp(message.bytes, golden, sizeof(golden)), 0);
}

Test(seal, every_single_flipped_bit_is_refused)
{
    for (uint64_t epoch = 0; epoch <= 7; epoch += 7) {
        struct scene scene = make_scene(epoch);
        AUTO_BUFFER struct buffer message = {0};

        close_scene(&scene, &message);
        for (size_t bit = 0; bit < message.size * 8; bit++) {
            message.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            enum seal_refusal refusal = try_open(&scene, message.bytes, message.size);
            enum seal_refusal expected = bit < 32    ? SEAL_MALFORMED
                                         : bit < 48  ? SEAL_OTHER_VERSION
                                         : bit < 64  ? SEAL_BAD_SIGNATURE
                                         : bit < 192 ? SEAL_WRONG_MESH
                                                     : SEAL_BAD_SIGNATURE;
            cr_assert_eq(refusal, expected, "bit %zu: %s", bit, seal_refusal_name(refusal));
            message.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

Test(seal, cut_or_lengthened_anywhere_it_is_refused)
{
    struct scene scene = make_scene(7);
    AUTO_BUFFER struct buffer message = {0};

    close_scene(&scene, &message);
    for (size_t size = 0; size < message.size; size++) {
        AUTO_FREE uint8_t *cut = malloc(size ? size : 1);

        memcpy(cut, message.bytes, size);
        cr_assert_eq(try_open(&scene, cut, size),
                     size < SEAL_HEADER + KEY_SIGNATURE ? SEAL_MALFORMED : SEAL_BAD_SIGNATURE);
    }
    buffer_append(&message, "x", 1);
    cr_expect_eq(try_open(&scene, message.bytes, message.size), SEAL_BAD_SIGNATURE);
}

Test(seal, another_controller_another_mesh_and_another_epoch_are_refused_each_by_its_name)
{
    struct scene scene = make_scene(7);
    AUTO_BUFFER struct buffer message = {0};
    close_scene(&scene, &message);

    struct scene other = scene;
    struct key_sign stranger;
    key_sign_make(&stranger);
    memcpy(other.expected.public_key, stranger.public_key, KEY_SIGN_PUBLIC);
    cr_expect_eq(try_open(&other, message.bytes, message.size), SEAL_BAD_SIGNATURE);

    other = scene;
    other.expected.mesh_id[3] ^= 1;
    cr_expect_eq(try_open(&other, message.bytes, message.size), SEAL_WRONG_MESH);

    other = scene;
    other.expected.epoch = 8;
    cr_expect_eq(try_open(&other, message.bytes, message.size), SEAL_OLD_EPOCH);

    other.expected.epoch = 6;
    cr_expect_eq(try_open(&other, message.bytes, message.size), SEAL_UNKNOWN_EPOCH);

    other = scene;
    other.expected.group_key[0] ^= 1;
    cr_expect_eq(try_open(&other, message.bytes, message.size), SEAL_UNREADABLE);
}

Test(seal, a_body_shorter_than_its_tag_is_malformed_though_signed)
{
    struct scene scene = make_scene(0);
    AUTO_BUFFER struct buffer message = {0};
    struct seal_header header = scene.header;

    /* Sign a plain, empty body, whose header then claims an epoch. */
    header.epoch = 0;
    cr_assert_eq(seal_close(&header, NULL, scene.sign.secret_key, "", 0, &message, NULL), 0);
    message.bytes[31] = 7;
    cr_expect_eq(try_open(&scene, message.bytes, message.size), SEAL_BAD_SIGNATURE);
    cr_expect_eq(seal_close(&(struct seal_header){.epoch = 1}, NULL, scene.sign.secret_key, "", 0,
                            &message, NULL),
                 ERROR_INTERNAL);
}

Test(seal, a_floor_holds_for_its_mesh_revision_and_digest_only)
{
    struct scene scene = make_scene(0);
    uint8_t digest[SEAL_DIGEST] = {1, 2, 3}, signature[KEY_SIGNATURE], mesh[SEAL_MESH_ID] = {9};
    const uint8_t *key = scene.sign.public_key;

    seal_floor(mesh, 42, digest, scene.sign.secret_key, signature);
    cr_expect_eq(seal_floor_check(mesh, 42, digest, key, signature), 0);
    cr_expect_eq(seal_floor_check(mesh, 43, digest, key, signature), ERROR_REFUSED);
    cr_expect_eq(seal_floor_check(mesh, 42 + (1ull << 56), digest, key, signature), ERROR_REFUSED);
    digest[31] ^= 1;
    cr_expect_eq(seal_floor_check(mesh, 42, digest, key, signature), ERROR_REFUSED);
    digest[31] ^= 1;
    mesh[0] ^= 1;
    cr_expect_eq(seal_floor_check(mesh, 42, digest, key, signature), ERROR_REFUSED);
    mesh[0] ^= 1;
    for (size_t bit = 0; bit < sizeof(signature) * 8; bit++) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(seal_floor_check(mesh, 42, digest, key, signature), ERROR_REFUSED);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

Test(seal, a_digest_is_a_set_not_a_sequence)
{
    static const uint8_t zero[SEAL_DIGEST];
    /* BLAKE2b-256 of "abc" (RFC 7693's function, 32 bytes of output) */
    static const uint8_t abc[SEAL_DIGEST] = {0xbd, 0xdd, 0x81, 0x3c, 0x63, 0x42, 0x39, 0x72,
                                             0x31, 0x71, 0xef, 0x3f, 0xee, 0x98, 0x57, 0x9b,
                                             0x94, 0x96, 0x4e, 0x3b, 0xb1, 0xcb, 0x3e, 0x42,
                                             0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23, 0x19};
    uint8_t one[SEAL_DIGEST] = {0}, two[SEAL_DIGEST] = {0};

    seal_digest_add(one, "abc", 3);
    cr_expect_eq(memcmp(one, abc, sizeof(abc)), 0);
    for (char c = 'a'; c <= 'z'; c++)
        seal_digest_add(one, &c, 1);
    for (char c = 'z'; c >= 'a'; c--)
        seal_digest_add(two, &c, 1);
    cr_expect_neq(memcmp(one, two, sizeof(one)), 0);
    seal_digest_add(two, "abc", 3);
    cr_expect_eq(memcmp(one, two, sizeof(one)), 0);
    seal_digest_remove(two, "abc", 3);
    for (char c = 'a'; c <= 'z'; c++)
        seal_digest_remove(two, &c, 1);
    cr_expect_eq(memcmp(two, zero, sizeof(zero)), 0);
}
