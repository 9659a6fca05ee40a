/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_plan.c — `isoflop plan SPEC`: what would run, and what it would cost. Writes nothing but the
 * calibration of this machine, where it lacks something (sweep.h). */
#include "harness/cli/commands.h"
#include "harness/cli/planned.h"
#include "harness/cli/sweep.h"

int cmd_plan(struct invocation *invocation)
{
    const struct options *options = &invocation->options;
    struct err err = ERR_INIT;
    struct plan plan;
    int n, code;
    const char *const *overrides = option_list(options, "set", &n);
    if (plan_load(&plan, options->arguments[0], overrides, n, &sweep_hooks, &err) != STATUS_OK)
        return failed(&err);
    sweep_calibrate(&plan, NULL);
    code = planned_print(invocation, &plan, (int)option_integer(options, "jobs"));
    if (code == EXIT_CODE_DONE && sweep_check_memory(&plan, (int)option_integer(options, "jobs"), 0, &err) != STATUS_OK)
        code = failed(&err);
    plan_release(&plan);
    return code;
}
