/* SPDX-License-Identifier: Apache-2.0 */
/* test_hardware.c — goal: days, energy, carbon and latency of a model on a machine are what was published, or what can be
 * reckoned by hand; tables and config.json files of strangers are read right or refused with their place.
 *
 * Method: the training of LLaMA-65B as its paper tells it; a roofline by hand; invariants that hold for every shape (tokens one by
 * one cost what they cost together); broken rows against their messages; shapes of several families against published counts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/catalogue.h"
#include "harness/cli/machines.h"
#include "harness/cli/shape_json.h"

static struct catalogue catalogue;
static struct machines machines;
static struct err err;

static int open_tables(void **state)
{
    (void)state;
    return catalogue_open(&catalogue, NULL, &err) != STATUS_OK || machines_open(&machines, NULL, &err) != STATUS_OK;
}

static int close_tables(void **state)
{
    (void)state;
    catalogue_release(&catalogue);
    machines_release(&machines);
    return 0;
}

static const struct catalogue_model *model(const char *name)
{
    const struct catalogue_model *m = NULL;
    if (catalogue_find(&catalogue, name, &m, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return m;
}

static const struct hardware *machine(const char *name)
{
    const struct machine_profile *m = NULL;
    if (machines_find(&machines, name, &m, &err) != STATUS_OK)
        fail_msg("%s", err.text);
    return &m->hardware;
}

/* Touvron 2023, section 2.4 and table 15: 2048 A100, 380 tokens/s each, 1,022,362 hours of them, 449 MWh, 173 t. */
static void published_training_comes_out(void **state)
{
    const struct catalogue_model *m = model("llama-65b");
    double flops = 6.0 * (double)size_params(&m->shape).matmul;
    struct hardware_knobs knobs = {.utilisation = 380 * flops / 312e12, .price_per_hour = 2, .electricity = 1, .grid_intensity = 0.385, .pue = 1.1};
    struct training_cost t = hardware_train(machine("cluster"), &knobs, &m->shape, flops * m->tokens);
    (void)state;
    assert_true(fabs(t.device_hours / 1022362 - 1) < 0.005);
    assert_true(fabs(t.seconds / 86400 - 21) < 0.3);
    assert_true(fabs(t.kwh / 449e3 - 1) < 0.01);
    assert_true(fabs(t.co2_kg / 173e3 - 1) < 0.01);
    assert_true(fabs(t.usd / (2 * t.device_hours) - 1) < 1e-12); /* what is rented includes its power */
    assert_true(t.fits);
    knobs.price_per_hour = (double)NAN;
    t = hardware_train(machine("workstation"), &knobs, &m->shape, flops * m->tokens);
    assert_true(!t.fits);
    assert_true(fabs(t.usd / (t.device_hours * machine("workstation")->price_per_hour + t.kwh) - 1) < 1e-12);
}

/* Llama-2 7B in 16 bits on an A100: 13.21 GB of weights and 0.27 GB of keys and values at 2039 GB/s; 512 tokens of 6.6 G
 * multiply-adds at 312 TFLOP/s, a little attention beside them. */
static void roofline_by_hand(void **state)
{
    const struct catalogue_model *m = model("llama-2-7b");
    struct running_cost r = hardware_run(machine("a100"), &m->shape, PRECISION_16, 512, 4096);
    (void)state;
    double body = 6738415616.0 - 32000.0 * 4096; /* no look-up */
    assert_true(fabs(r.decode_s / ((2 * body + 2 * 2 * 32 * 4096 * 513.0) / 2039e9) - 1) < 0.001);
    assert_true(fabs(r.prefill_s / (2 * 512 * (body - 32000.0 * 4096) / 312e12) - 1) < 0.03);
    assert_true(fabs(r.memory_bytes / (2 * 6738415616.0 + 2 * 2 * 32 * 4096 * 4096.0) - 1) < 1e-12);
    assert_true(r.devices == 1);
    struct running_cost four = hardware_run(machine("a100"), &m->shape, PRECISION_4, 512, 4096);
    assert_true(four.decode_s < 0.31 * r.decode_s && four.decode_s > 0.25 * r.decode_s); /* the cache stays in 16 bits */
    assert_true(four.prefill_s == r.prefill_s); /* bound by FLOPs, which are the same */
}

/* Big models cannot run on a phone: the largest that does is between Pythia-1.4B and LLaMA-7B; a cluster takes as many devices as
 * it needs and no more. */
static void what_fits_where(void **state)
{
    (void)state;
    assert_true(hardware_run(machine("phone"), &model("pythia-1.4b")->shape, PRECISION_16, 1, 2048).devices == 1);
    for (int p = 0; p < PRECISIONS; p++) {
        struct running_cost r = hardware_run(machine("phone"), &model("llama-7b")->shape, (enum hardware_precision)p, 1, 2048);
        assert_true(r.devices == 0 && isnan(r.decode_s) && isnan(r.prefill_s));
    }
    assert_true(hardware_run(machine("laptop"), &model("llama-7b")->shape, PRECISION_8, 1, 2048).devices == 1);
    assert_true(hardware_run(machine("cluster"), &model("gpt-3")->shape, PRECISION_16, 1, 2048).devices == 5); /* 359 GB by 76 */
}

/* A token after another costs what both cost together, but for the head, which multiplies the last alone. */
static void passes_add_up(void **state)
{
    (void)state;
    for (int i = 0; i < catalogue.n; i++) {
        const struct architecture *a = &catalogue.models[i].shape;
        double head = 2.0 * (double)a->vocabulary * (double)a->width, sum = 0, together = hardware_pass_flops(a, 50, 0);
        for (int t = 0; t < 50; t++)
            sum += hardware_pass_flops(a, 1, t);
        assert_true(fabs((sum - 49 * head) / together - 1) < 1e-12);
        assert_true(fabs((together + 49 * head) / size_forward_flops(a, 50, true) - 1) < 1e-12);
        double one = hardware_pass_bytes(a, 1, 0, 1, 0), many = hardware_pass_bytes(a, 1000000, 0, 1, 0);
        double whole = (double)size_params(a).matmul + 1e6 * (double)a->width;
        assert_true(fabs(one / ((double)size_params(a).matmul + (double)a->width) - 1) < 1e-12);
        if (a->experts == 1)
            assert_true(fabs(many / whole - 1) < 1e-12);
        else /* every expert is visited by someone */
            assert_true(fabs((many - whole) / (double)(size_params(a).total - size_params(a).active) - 1) < 0.001);
    }
}

static const char *write_file(const char *name, const char *text)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "/tmp/isoflop-hardware-%ld%s", (long)getpid(), name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void bad_hardware_is_refused(void **state)
{
    static const char head[] = "name,what,devices,flops_16,flops_8,memory_bytes,usable,bandwidth,power_w,price_per_hour,power_included\n";
    static const struct { const char *row, *says; } bad[] = {
        {"my box,x,1,1e12,1e12,1e9,1,1e9,10,0,no", ":2: 'my box' is not a name"},
        {"mine,x,0,1e12,1e12,1e9,1,1e9,10,0,no", ":2: devices takes a number from 1"},
        {"mine,x,1,fast,1e12,1e9,1,1e9,10,0,no", ":2: flops_16 takes a number"},
        {"mine,x,1,1e12,1e12,1e9,1.5,1e9,10,0,no", ":2: usable takes a number from 1e-06 to 1"},
        {"mine,x,1,1e12,1e12,1e9,1,,10,0,no", ":2: bandwidth takes a number"},
        {"mine,x,1,1e12,1e12,1e9,1,1e9,10,0,maybe", ":2: power_included is yes or no, not 'maybe'"},
    };
    const struct machine_profile *found;
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct machines own;
        err = ERR_INIT;
        (void)snprintf(text, sizeof text, "%s%s\n", head, bad[i].row);
        const char *path = write_file(".csv", text);
        assert_int_equal(machines_open(&own, path, &err), STATUS_FORMAT);
        (void)unlink(path);
        if (!strstr(err.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
    }
    assert_int_equal(machines_find(&machines, "h1000", &found, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.text, "did you mean 'h100'?"));
    for (int i = 0; i < machines.n; i++) /* no figure without its source */
        assert_true(*machines.all[i].flops_source && *machines.all[i].memory_source && *machines.all[i].power_source &&
                    *machines.all[i].price_source);
}

static void strangers_config_files_are_counted(void **state)
{
    static const struct { const char *text; double total, active; const char *assumed; } good[] = {
        {"{\"model_type\":\"gpt2\",\"n_ctx\":1024,\"n_embd\":768,\"n_head\":12,\"n_layer\":12,\"n_positions\":1024,\"vocab_size\":50257,"
         "\"n_inner\":null}", 124439808, 124439808, ""},
        {"{\"model_type\":\"gpt_neox\",\"hidden_size\":5120,\"intermediate_size\":20480,\"num_hidden_layers\":36,\"num_attention_heads\":40,"
         "\"vocab_size\":50688,\"max_position_embeddings\":2048}", 11846072320, 11846072320, ""},
        {"{\"model_type\":\"mixtral\",\"hidden_size\":4096,\"intermediate_size\":14336,\"num_hidden_layers\":32,\"num_attention_heads\":32,"
         "\"num_key_value_heads\":8,\"vocab_size\":32000,\"num_local_experts\":8,\"num_experts_per_tok\":2}", 46702792704, 12879925248, ""},
        {"{\"model_type\":\"unheard-of\",\"hidden_size\":4096,\"intermediate_size\":14336,\"num_hidden_layers\":32,"
         "\"num_attention_heads\":32,\"num_key_value_heads\":8,\"vocab_size\":32000}", 7241732096, 7241732096, "unheard-of"},
    };
    static const struct { const char *text, *says; } bad[] = {
        {"[]", "holds an array, not an object"},
        {"{\"model_type\":\"llama\",\"hidden_size\":64,\"num_attention_heads\":4,\"vocab_size\":9}", "no num_hidden_layers is given"},
        {"{\"hidden_size\":\"wide\"}", "hidden_size is"},
        {"{\"hidden_size\":64,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"vocab_size\":9}", "no intermediate_size is given"},
        {"{\"hidden_size\":64,\"intermediate_size\":9,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"num_key_value_heads\":3,"
         "\"vocab_size\":9}", "4 heads do not share 3"},
    };
    struct architecture a;
    char assumed[64];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *path = write_file(".json", good[i].text);
        if (shape_json_read(path, &a, assumed, &err) != STATUS_OK)
            fail_msg("%s", err.text);
        (void)unlink(path);
        assert_true((double)size_params(&a).total == good[i].total && (double)size_params(&a).active == good[i].active);
        assert_string_equal(assumed, good[i].assumed);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *path = write_file(".json", bad[i].text);
        err = ERR_INIT;
        assert_int_equal(shape_json_read(path, &a, assumed, &err), STATUS_FORMAT);
        (void)unlink(path);
        if (!strstr(err.text, bad[i].says) || !strstr(err.text, path))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
    }
    assert_int_equal(shape_json_read("/nowhere", &a, assumed, &err), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_training_comes_out), cmocka_unit_test(roofline_by_hand),
        cmocka_unit_test(what_fits_where),              cmocka_unit_test(passes_add_up),
        cmocka_unit_test(bad_hardware_is_refused),      cmocka_unit_test(strangers_config_files_are_counted),
    };
    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
