/* SPDX-License-Identifier: Apache-2.0 */
/* foreign.c — puts a foreign model into a folder, for the scripts here:
 *
 *     foreign FOLDER llama|mixtral TYPE FILES HEAD_SIZE [MORE]
 *
 * MORE: further members of config.json, each with a comma in front. The weights are the same numbers in every type. */
#include "tests/engine/foreign.h"

int main(int argc, char **argv)
{
    bool mixtral;
    if (argc < 6 || argc > 7 || mkdir(argv[1], 0700) != 0)
        return 2;
    mixtral = strcmp(argv[2], "mixtral") == 0;
    foreign_plain = true;
    foreign_head = (int)strtol(argv[5], NULL, 10);
    foreign_config(argv[1], mixtral, argc > 6 ? argv[6] : "");
    foreign_model(argv[1], mixtral, false, argv[3], (int)strtol(argv[4], NULL, 10));
    return 0;
}
