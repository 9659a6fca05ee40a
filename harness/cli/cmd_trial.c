/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_trial.c — the hidden command a runner starts for each trial. */
#include "harness/cli/commands.h"
#include "harness/run/trial.h"

int cmd_trial(struct invocation *invocation)
{
    (void)invocation;
    return trial_main();
}
