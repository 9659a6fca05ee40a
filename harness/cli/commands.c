/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c — the table of commands. Length: it is one table, a paragraph per command.
 * Invariant: this table, the option tables it names and the shared options of command_line.c are the only place where
 * the command line is described. */
#include "harness/cli/commands.h"

#include <stddef.h>

const char *const group_titles[GROUP_COUNT] = {
    [GROUP_SWEEP] = "Run experiments",
    [GROUP_LEARN] = "See what they say",
    [GROUP_MODEL] = "One model by hand",
    [GROUP_SPEED] = "Track performance",
    [GROUP_OTHER] = "Help",
};

const struct example overview[] = {
    {"isoflop plan experiments/demo.yaml", "what would run, and what it would cost"},
    {"isoflop run experiments/demo.yaml -j 2", "run it; what is done already is not run again"},
    {"isoflop report -o report.html", "one page with every chart and table"},
    {"isoflop run experiments/demo.yaml -S model.width=64,96", "the same with another axis"},
    {NULL, NULL},
};

static const struct example plan_examples[] = {
    {"isoflop plan experiments/demo.yaml", "every trial with its cost"},
    {"isoflop plan experiments/demo.yaml --json", "the same for a program"},
    {NULL, NULL},
};

static const struct option_row plan_options[] = {
    {.name = "set", .letter = 'S', .kind = OPTION_LIST, .metavar = "KNOB=VALUES", .help = "replace a knob's values, as in  -S model.width=64,96"},
    {.name = "jobs", .letter = 'j', .kind = OPTION_INTEGER, .metavar = "N", .preset = "1", .minimum = 1, .maximum = 1024, .help = "trials at once"},
    {.name = NULL},
};

static const struct example run_examples[] = {
    {"isoflop run experiments/demo.yaml -j 2", "run what is missing, two trials at once"},
    {"isoflop run experiments/english.yaml --budget 4m", "small trials first, as many as fit"},
    {"isoflop run experiments/demo.yaml --rerun failed", "try again what failed"},
    {"isoflop run experiments/demo.yaml --dry-run", "what is missing, and what it would cost"},
    {"isoflop run experiments/demo.yaml --shard 2/4", "the second of four machines' shares"},
    {NULL, NULL},
};

static const struct option_row run_options[] = {
    {.name = "set", .letter = 'S', .kind = OPTION_LIST, .metavar = "KNOB=VALUES", .help = "replace a knob's values, as in  -S model.width=64,96"},
    {.name = "jobs", .letter = 'j', .kind = OPTION_INTEGER, .metavar = "N", .preset = "1", .minimum = 1, .maximum = 1024, .help = "trials at once"},
    {.name = "budget", .kind = OPTION_DURATION, .metavar = "TIME", .minimum = 1, .maximum = 1e9, .help = "start nothing that would end later; small trials go first"},
    {.name = "max-wall", .kind = OPTION_DURATION, .metavar = "TIME", .minimum = 0.001, .maximum = 1e9, .help = "stop after so long, as if interrupted: states are kept, exit code 75"},
    {.name = "mem-limit", .kind = OPTION_BYTES, .metavar = "BYTES", .minimum = 1 << 20, .maximum = 1e15, .help = "most memory a trial may take"},
    {.name = "shard", .kind = OPTION_TEXT, .metavar = "I/N", .help = "only the I-th of N shares, for one of N machines"},
    {.name = "dry-run", .letter = 'n', .help = "print what would run, and run nothing"},
    {.name = "timeout", .kind = OPTION_DURATION, .metavar = "TIME", .preset = "10m", .help = "give up on a trial that makes no progress for so long"},
    {.name = "retries", .kind = OPTION_INTEGER, .metavar = "N", .preset = "1", .minimum = 0, .maximum = 100, .help = "further tries for a trial that crashed"},
    {.name = "rerun", .kind = OPTION_CHOICE, .metavar = "WHICH", .preset = "none", .choices = "none failed all", .help = "run these again"},
    {.name = "checkpoint-every", .kind = OPTION_DURATION, .metavar = "TIME", .preset = "1m", .help = "keep the state of a training so often, to go on from when it is killed; 0: only when it is stopped"},
    {.name = "no-checkpoints", .help = "do not keep the trained models"},
    {.name = "no-summary", .help = "do not print what the store says at the end"},
    {.name = NULL},
};

static const struct example status_examples[] = {
    {"isoflop status", "done, running, left, and what went wrong"},
    {NULL, NULL},
};

static const struct example show_examples[] = {
    {"isoflop show 3fa9", "the trial whose id begins so"},
    {"isoflop show best", "the trained model with the lowest loss"},
    {NULL, NULL},
};

static const struct example plot_examples[] = {
    {"isoflop plot all", "every chart, as SVG with its script and data"},
    {"isoflop plot loss_vs_params --png", "one of them, as PNG too"},
    {NULL, NULL},
};

static const struct option_row plot_options[] = {
    {.name = "output", .letter = 'o', .kind = OPTION_TEXT, .metavar = "DIR", .preset = "plots/out", .help = "folder for the files"},
    {.name = "spec", .kind = OPTION_TEXT, .metavar = "NAME", .help = "only trials of this spec"},
    {.name = "png", .help = "PNG too"},
    {.name = "pdf", .help = "PDF too"},
    {.name = NULL},
};

static const struct example report_examples[] = {
    {"isoflop report -o report.html", "one page that needs no network"},
    {"isoflop report --db results/demo.db -o results/demo.html", "of another store"},
    {NULL, NULL},
};

static const struct option_row report_options[] = {
    {.name = "output", .letter = 'o', .kind = OPTION_TEXT, .metavar = "FILE", .preset = "results/report.html", .help = "the page"},
    {.name = "plots", .kind = OPTION_TEXT, .metavar = "DIR", .preset = "plots/out", .help = "folder for the charts' own files"},
    {.name = "spec", .kind = OPTION_TEXT, .metavar = "NAME", .help = "only trials of this spec"},
    {.name = NULL},
};

static const struct example threshold_examples[] = {
    {"isoflop threshold all", "parameters from which each ability is there"},
    {"isoflop threshold copy --by flops --at 0.9", "training FLOPs until 9 of 10 are right"},
    {"isoflop threshold all --points c.csv --columns score=acc*0.01 --items 100", "of anybody's scores"},
    {NULL, NULL},
};

static const struct option_row threshold_options[] = {
    {.name = "by", .kind = OPTION_CHOICE, .metavar = "AXIS", .preset = "params_non_embedding", .choices = "params_non_embedding params_total params_active flops weight_bytes energy_j latency_ms", .help = "what is to be small"},
    {.name = "at", .kind = OPTION_REAL, .metavar = "SCORE", .preset = "0.5", .minimum = 0.001, .maximum = 1, .help = "exact match that counts as having the ability"},
    {.name = "method", .kind = OPTION_CHOICE, .metavar = "HOW", .preset = "monotone", .choices = "monotone logistic", .help = "how the curve is drawn through the scores"},
    {.name = "points", .kind = OPTION_TEXT, .metavar = "FILE", .help = "anybody's scores in place of the store's: a CSV with a row per model, columns x, score, n and, if any, task, chance, seed, logprob"},
    {.name = "columns", .kind = OPTION_TEXT, .metavar = "MAP", .help = "how these are called in FILE, a factor after *, as x=FLOPs,score=percent*0.01"},
    {.name = "items", .kind = OPTION_REAL, .metavar = "N", .minimum = 1, .maximum = 1e12, .help = "items that each score of FILE rests on, where no column says so"},
    {.name = "all-models", .help = "mixtures of experts and shrunk models too, not dense ones alone"},
    {.name = NULL},
};

static const struct example predict_examples[] = {
    {"isoflop predict experiments/demo.yaml -S model.width=128", "before a larger one runs"},
    {"isoflop claims own-predictions", "how predictions did"},
    {NULL, NULL},
};

static const struct option_row predict_options[] = {
    {.name = "set", .letter = 'S', .kind = OPTION_LIST, .metavar = "KNOB=VALUES", .help = "replace a knob's values, as in  -S model.width=64,96"},
    {.name = "fit", .kind = OPTION_TEXT, .metavar = "ID", .help = "the stored fit that predicts; the newest unless given"},
    {.name = NULL},
};

static const struct example claims_examples[] = {
    {"isoflop claims", "every sentence: supported, refuted or undecided"},
    {"isoflop claims tokens-per-parameter", "one: its source, rule, figures and query"},
    {NULL, NULL},
};

static const struct example export_examples[] = {
    {"isoflop export v_points > points.csv", "one row per finished trial"},
    {"isoflop export v_evals --json", "abilities, for a program"},
    {NULL, NULL},
};

static const struct option_row export_options[] = {
    {.name = "markdown", .help = "a table for a document"},
    {.name = NULL},
};

static const struct example fit_examples[] = {
    {"isoflop fit", "L = E + A/N^alpha + B/D^beta through the store's trials, three approaches"},
    {"isoflop fit --n params_total --where 'experts = 1' --compute 1e15", "another N, some trials, the best use of 1e15 FLOPs"},
    {"isoflop fit points.csv --columns N=params,D=tokens,L=loss --json", "anybody's points, for a program"},
    {"isoflop fit c.csv --columns 'N=Model Size,C=FLOP,L=loss' --method huber", "D from C = 6 N D"},
    {"isoflop fit --law data-constrained --compute 1e15 --unique-tokens 1e7", "when text has to be repeated"},
    {NULL, NULL},
};

static const struct option_row fit_options[] = {
    {.name = "law", .kind = OPTION_CHOICE, .metavar = "LAW", .preset = "chinchilla", .choices = "chinchilla kaplan data-constrained routed fine-grained precision", .help = "which law"},
    {.name = "method", .kind = OPTION_CHOICE, .metavar = "METHOD", .preset = "all", .choices = "all varpro huber approach1 approach2 logs relative", .help = "how it is fitted; all: every way that goes with the law"},
    {.name = "n", .kind = OPTION_CHOICE, .metavar = "N", .preset = "params_non_embedding", .choices = "params_non_embedding params_total params_active params_matmul non_embedding total active matmul", .help = "which parameters are N"},
    {.name = "where", .kind = OPTION_TEXT, .metavar = "SQL", .help = "only rows that satisfy this, in columns of v_points or of the file"},
    {.name = "spec", .kind = OPTION_TEXT, .metavar = "NAME", .help = "only trials of this spec"},
    {.name = "include-invalid", .help = "also trials that failed a check of validity; else they are left out, each with its reason"},
    {.name = "columns", .kind = OPTION_TEXT, .metavar = "MAP", .help = "columns by letter, a factor after *, as N=size*1e6,C=flops,L=loss; one of D and C may be missing"},
    {.name = "cluster", .kind = OPTION_TEXT, .metavar = "COLUMN", .help = "rows that agree here are resampled together; else those of one setting, whatever their seeds"},
    {.name = "bootstrap", .letter = 'B', .kind = OPTION_INTEGER, .metavar = "N", .preset = "4000", .minimum = 0, .maximum = 1e6, .help = "resamples for the intervals; 0: no intervals"},
    {.name = "confidence", .kind = OPTION_REAL, .metavar = "P", .preset = "0.95", .minimum = 0.5, .maximum = 0.999, .help = "level of the intervals"},
    {.name = "seed", .kind = OPTION_INTEGER, .metavar = "N", .preset = "1", .minimum = 0, .maximum = 4294967295.0, .help = "of the resampling; the same seed gives the same intervals"},
    {.name = "delta", .kind = OPTION_REAL, .metavar = "R", .preset = "0.001", .minimum = 1e-9, .maximum = 1, .help = "huber: log residuals beyond this count by their size, not their square"},
    {.name = "holdout", .kind = OPTION_REAL, .metavar = "P", .preset = "0.2", .minimum = 0, .maximum = 0.8, .help = "share of the largest runs that the held-out error is measured on"},
    {.name = "bucket", .kind = OPTION_REAL, .metavar = "P", .preset = "0.2", .minimum = 0, .maximum = 10, .help = "approach2: runs whose C differs by no more are one budget"},
    {.name = "compute", .letter = 'C', .kind = OPTION_TEXT, .metavar = "LIST", .help = "FLOPs whose best N and D are wanted, as in  1e21,1e23"},
    {.name = "inference-tokens", .kind = OPTION_REAL, .metavar = "D", .preset = "0", .minimum = 0, .maximum = 1e30, .help = "tokens to serve later: C = 6 N D + 2 N D_inference"},
    {.name = "unique-tokens", .kind = OPTION_REAL, .metavar = "U", .preset = "0", .minimum = 0, .maximum = 1e30, .help = "no more different tokens than these; 0: no limit"},
    {.name = "no-save", .help = "do not write the fit to the store"},
    {.name = NULL},
};

static const struct example merge_examples[] = {
    {"isoflop merge shard1.db shard2.db --db all.db", "the shards of a sweep, from several machines"},
    {"isoflop merge old.db", "another store into the usual one"},
    {NULL, NULL},
};

static const struct option_row merge_options[] = {
    {.name = "keep-here", .help = "of two different results of a trial keep the one that is there, instead of merging nothing"},
    {.name = NULL},
};

static const struct example import_examples[] = {
    {"isoflop import runs.csv", "the columns that have our names"},
    {"isoflop import runs.csv --columns heldout_loss=loss,params_total=N,tokens=D", "the columns under their own names"},
    {"isoflop import runs.csv --columns train_s=hours*3600 --source 'paper, table 3'", "with a factor between units"},
    {NULL, NULL},
};

static const struct option_row import_options[] = {
    {.name = "columns", .kind = OPTION_LIST, .metavar = "OURS=THEIRS", .help = "which column is which, with a factor where units differ; several by commas"},
    {.name = "source", .kind = OPTION_TEXT, .metavar = "TEXT", .help = "where the figures come from, to be kept with them"},
    {.name = "as", .kind = OPTION_TEXT, .metavar = "NAME", .help = "name to find them by, as a spec; the file's otherwise"},
    {.name = NULL},
};

static const struct example size_examples[] = {
    {"isoflop size", "every model of the catalogue"},
    {"isoflop size mixtral-8x7b", "one of them: parameters, memory, latency on a phone or a GPU"},
    {"isoflop size llama-65b --on cluster --utilisation 0.48", "days, money, energy and CO2 to train it"},
    {"isoflop size gpt-2-xl -D 40e9 --on all --csv", "a row per piece of hardware"},
    {"isoflop size results/isoflop.db.checkpoints/3fa9 --json", "of a folder with a config.json"},
    {NULL, NULL},
};

static const struct option_row size_options[] = {
    {.name = "context", .letter = 'T', .kind = OPTION_INTEGER, .metavar = "N", .preset = "0", .minimum = 0, .maximum = 1e9, .help = "tokens of the sequence whose FLOPs are counted; 0: as the model"},
    {.name = "tokens", .letter = 'D', .kind = OPTION_REAL, .metavar = "D", .minimum = 1, .maximum = 1e18, .help = "tokens to train on, in place of those it was trained on"},
    {.name = "prompt", .kind = OPTION_INTEGER, .metavar = "N", .preset = "512", .minimum = 1, .maximum = 1e8, .help = "tokens of the prompt whose latency is wanted"},
    {.name = "on", .kind = OPTION_TEXT, .metavar = "HARDWARE", .help = "one piece of hardware, or all: for people all are shown, --json and --csv get a row for each that is named here"},
    {.name = "utilisation", .kind = OPTION_REAL, .metavar = "P", .preset = "0.4", .minimum = 1e-6, .maximum = 1, .help = "share of the peak that training reaches"},
    {.name = "price", .kind = OPTION_REAL, .metavar = "USD", .minimum = 0, .maximum = 1e6, .help = "of one device for an hour, in place of the table's"},
    {.name = "electricity", .kind = OPTION_REAL, .metavar = "USD", .preset = "0.15", .minimum = 0, .maximum = 1e3, .help = "of a kWh, where the price does not include it"},
    {.name = "grid-intensity", .kind = OPTION_REAL, .metavar = "KG", .preset = "0.385", .minimum = 0, .maximum = 10, .help = "CO2-equivalent per kWh; preset: the US average that Touvron 2023 took"},
    {.name = "pue", .kind = OPTION_REAL, .metavar = "R", .preset = "1.1", .minimum = 1, .maximum = 10, .help = "energy of the building over that of the devices"},
    {.name = "measured", .help = "how far the roofline is from the store's latencies of this machine"},
    {.name = "models", .kind = OPTION_TEXT, .metavar = "FILE", .help = "a table of your own, in the columns of experiments/models.csv"},
    {.name = "hardware", .kind = OPTION_TEXT, .metavar = "FILE", .help = "likewise of experiments/hardware.csv"},
    {.name = NULL},
};

static const struct example train_examples[] = {
    {"isoflop train -o models/mine", "the presets: a small model in some seconds"},
    {"isoflop train -S model.width=96 -S train.tokens=2M -o models/wide", "knobs as in a spec, one value each"},
    {"isoflop train experiments/english.yaml -S model.width=64 --db hand.db", "one trial of a spec, into a store"},
    {NULL, NULL},
};

static const struct option_row train_options[] = {
    {.name = "output", .letter = 'o', .kind = OPTION_TEXT, .metavar = "DIR", .help = "folder for the model; nothing is stored elsewhere"},
    {.name = "db", .kind = OPTION_TEXT, .metavar = "FILE", .help = "in place of -o: a trial of this store, of the spec by-hand"},
    {.name = "set", .letter = 'S', .kind = OPTION_LIST, .metavar = "KNOB=VALUE", .help = "a knob's value, as in  -S model.width=64"},
    {.name = "force", .help = "replace the model in DIR, and begin anew"},
    {.name = "resume", .help = "go on where the same training was stopped"},
    {.name = "checkpoint-every", .kind = OPTION_DURATION, .metavar = "TIME", .preset = "1m", .help = "keep its state so often; 0: only when it is stopped"},
    {.name = "timeout", .kind = OPTION_DURATION, .metavar = "TIME", .preset = "10m", .help = "give up when it makes no progress for so long"},
    {.name = NULL},
};

static const struct example generate_examples[] = {
    {"isoflop generate best --prompt 'copy abcd: '", "the best model of the store goes on"},
    {"isoflop generate best -p 'Babin lives in' -t 0 --stop .", "the likeliest answer, up to the stop"},
    {"isoflop generate best -p - -n 500 --top-p 0.9", "goes on where standard input ends"},
    {"isoflop generate models/llama --ids -p '1 15043 3186'", "tokens by their numbers, in and out"},
    {NULL, NULL},
};

static const struct option_row generate_options[] = {
    {.name = "prompt", .letter = 'p', .kind = OPTION_TEXT, .metavar = "TEXT", .help = "what to continue; -: standard input"},
    {.name = "tokens", .letter = 'n', .kind = OPTION_INTEGER, .metavar = "N", .preset = "200", .minimum = 1, .maximum = 1e9, .help = "how many tokens to write"},
    {.name = "temperature", .letter = 't', .kind = OPTION_REAL, .metavar = "T", .preset = "1", .minimum = 0, .maximum = 100, .help = "0 always takes the likeliest"},
    {.name = "top-k", .kind = OPTION_INTEGER, .metavar = "K", .preset = "0", .minimum = 0, .maximum = 1e9, .help = "draw among the K likeliest; 0: among all"},
    {.name = "top-p", .kind = OPTION_REAL, .metavar = "P", .preset = "1", .minimum = 0, .maximum = 1, .help = "draw among the likeliest that make up this share; 1: among all"},
    {.name = "seed", .kind = OPTION_INTEGER, .metavar = "N", .preset = "1", .minimum = 0, .maximum = 4294967295.0, .help = "the same seed writes the same text"},
    {.name = "stop", .kind = OPTION_LIST, .metavar = "TEXT", .help = "end before this text"},
    {.name = "no-echo", .help = "do not repeat the prompt"},
    {.name = "ids", .help = "prompt, stops and output are numbers of tokens"},
    {.name = NULL},
};

static const struct example eval_examples[] = {
    {"isoflop eval best", "loss and abilities of the best model of the store"},
    {"isoflop eval models/mine --data letters.txt", "on the last tenth of a text"},
    {"isoflop eval best --tasks copy,addition --items 1000 --csv", "two abilities, narrow intervals"},
    {"isoflop eval models/llama --ids tokens.txt", "loss on tokens by their numbers, of any model"},
    {"isoflop eval best --save-items items.csv", "and every single question: what was asked, and how it went"},
    {"isoflop eval best -S data.seed=2", "in another world, whose facts it never saw"},
    {NULL, NULL},
};

static const struct option_row eval_options[] = {
    {.name = "data", .kind = OPTION_TEXT, .metavar = "FILE", .help = "held-out text: the last tenth of this file"},
    {.name = "set", .letter = 'S', .kind = OPTION_LIST, .metavar = "KNOB=VALUE", .help = "a knob of data or eval, as in  -S data.junk=0.2"},
    {.name = "tokens", .kind = OPTION_INTEGER, .metavar = "N", .minimum = 1, .maximum = 1e12, .help = "held-out tokens, as eval.heldout_tokens"},
    {.name = "ids", .kind = OPTION_TEXT, .metavar = "FILE", .help = "in place of text: numbers of tokens, all of them; -: standard input"},
    {.name = "context", .letter = 'T', .kind = OPTION_INTEGER, .metavar = "N", .minimum = 1, .maximum = 1e9, .help = "tokens at once; the model's, of a foreign one at most 1024, unless given"},
    {.name = "tasks", .kind = OPTION_TEXT, .metavar = "LIST", .help = "abilities, with commas between; none: no ability"},
    {.name = "items", .kind = OPTION_INTEGER, .metavar = "N", .minimum = 2, .maximum = 1e6, .help = "items of each, as eval.items"},
    {.name = "save-items", .kind = OPTION_TEXT, .metavar = "FILE", .help = "write every item to this CSV: prompt, answer, right or not, log-probability"},
    {.name = NULL},
};

static const struct example latency_examples[] = {
    {"isoflop latency best", "one sequence, a prompt of half the context"},
    {"isoflop latency models/llama --batch 1,2,4,8 --prompt 32,512", "every batch with every prompt"},
    {"isoflop latency best --samples 1000 --raw --csv > samples.csv", "every single time"},
    {NULL, NULL},
};

static const struct option_row latency_options[] = {
    {.name = "batch", .letter = 'b', .kind = OPTION_TEXT, .metavar = "N,...", .preset = "1", .help = "sequences at once"},
    {.name = "prompt", .letter = 'p', .kind = OPTION_TEXT, .metavar = "N,...", .help = "tokens of a prompt; half the context, at most 512, unless given"},
    {.name = "generate", .letter = 'g', .kind = OPTION_INTEGER, .metavar = "N", .minimum = 1, .maximum = 1e6, .help = "tokens generated after it; 32, or a quarter of the context"},
    {.name = "samples", .letter = 'n', .kind = OPTION_INTEGER, .metavar = "N", .preset = "200", .minimum = 1, .maximum = 1e6, .help = "times measured, of each phase"},
    {.name = "raw", .help = "print every sample"},
    {.name = NULL},
};

static const struct example tokenizer_examples[] = {
    {"isoflop tokenizer train book.txt --vocabulary 4096", "learn byte pairs, write tokenizer.json"},
    {"isoflop tokenizer encode page.txt", "a line per token: its number, its bytes"},
    {"isoflop tokenizer decode tokens.txt", "such lines as text again"},
    {NULL, NULL},
};

static const struct option_row tokenizer_options[] = {
    {.name = "vocabulary", .kind = OPTION_INTEGER, .metavar = "N", .preset = "4096", .minimum = 256, .maximum = 16777216, .help = "train: how many tokens, the 256 bytes among them"},
    {.name = "output", .letter = 'o', .kind = OPTION_TEXT, .metavar = "FILE", .preset = "tokenizer.json", .help = "train: where to write it"},
    {.name = "tokenizer", .letter = 't', .kind = OPTION_TEXT, .metavar = "FILE", .preset = "tokenizer.json", .help = "encode, decode: which one to use"},
    {.name = NULL},
};

static const struct example bench_examples[] = {
    {"isoflop bench", "every case, ten samples each"},
    {"isoflop bench moe decode -n 3 --json", "two suites, for programs"},
    {"isoflop bench train --samples 20 --baseline main", "one suite, remembered as main"},
    {NULL, NULL},
};

static const struct option_row bench_options[] = {
    {.name = "samples", .letter = 'n', .kind = OPTION_INTEGER, .metavar = "N", .preset = "10", .minimum = 1, .maximum = 1000, .help = "processes per case"},
    {.name = "baseline", .kind = OPTION_TEXT, .metavar = "NAME", .help = "give the run this name"},
    {.name = NULL},
};

static const struct example baseline_examples[] = {
    {"isoflop baseline set main", "the newest run is main"},
    {"isoflop baseline list", "all names"},
    {NULL, NULL},
};

static const struct example compare_examples[] = {
    {"isoflop compare main", "the newest run against main"},
    {"isoflop compare main pr-17 --threshold 2", "two names, 2 % allowed"},
    {NULL, NULL},
};

static const struct option_row compare_options[] = {
    {.name = "threshold", .kind = OPTION_REAL, .metavar = "PERCENT", .preset = "1", .minimum = 0, .maximum = 1000, .help = "a change smaller than this does not matter"},
    {.name = NULL},
};

static const struct example doctor_examples[] = {
    {"isoflop doctor", "the machine and results/isoflop.db"},
    {"isoflop doctor --salvage saved.db", "what can be read of a damaged store, as a new one"},
    {NULL, NULL},
};

static const struct option_row doctor_options[] = {
    {.name = "salvage", .kind = OPTION_TEXT, .metavar = "OUT", .help = "copy what can be read of the store into a new one; the old is not touched"},
    {.name = NULL},
};

static const struct example shrink_examples[] = {
    {"isoflop shrink --int8 best", "8-bit weights for the best model, measured beside it"},
    {"isoflop shrink --int8 --where 'experts = 1 AND tokens > 1e6'", "all models like that"},
    {NULL, NULL},
};

static const struct option_row shrink_options[] = {
    {.name = "int8", .help = "8-bit weights and activations, rounded to nearest"},
    {.name = "where", .kind = OPTION_TEXT, .metavar = "SQL", .help = "the trained models whose row of v_points satisfies this"},
    {.name = NULL},
};

static const struct example help_examples[] = {
    {"isoflop help", "all commands"},
    {"isoflop help help", "one command: its examples, options and exit codes"},
    {NULL, NULL},
};

const struct command commands[] = {
    {
        .name = "plan",
        .group = GROUP_SWEEP,
        .summary = "what a spec would run, and what it would cost",
        .arguments = "SPEC",
        .details = "Prints every trial with its parameters, tokens, FLOPs, seconds and memory. Writes nothing but what it"
                   " learns of this machine's speed, in the user's cache.",
        .examples = plan_examples,
        .options = plan_options,
        .flags = COMMAND_JSON | COMMAND_CSV | COMMAND_BLAS,
        .run = cmd_plan,
    },
    {
        .name = "run",
        .group = GROUP_SWEEP,
        .summary = "run what is missing of a spec",
        .arguments = "SPEC",
        .details = "Each trial is a process of its own; what it measured is stored when it ends. Killed or interrupted, the "
                   "same command goes on where it was.",
        .examples = run_examples,
        .options = run_options,
        .flags = COMMAND_DB | COMMAND_BLAS,
        .run = cmd_run,
    },
    {
        .name = "status",
        .group = GROUP_SWEEP,
        .summary = "how far the sweeps of a store are",
        .arguments = "",
        .examples = status_examples,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_status,
    },
    {
        .name = "merge",
        .group = GROUP_SWEEP,
        .summary = "several stores into one",
        .arguments = "DB...",
        .details = "All or nothing, and the same store twice changes nothing. A trial that is done counts before one that failed, that "
                   "before one that was not begun. Trials that are done in two stores must have the same results, to the bit; those "
                   "that have not are named. The DBs are only read. Models stay where they are: copy the folders in DB.checkpoints to "
                   "those of the new store.",
        .examples = merge_examples,
        .options = merge_options,
        .flags = COMMAND_DB,
        .run = cmd_merge,
    },
    {
        .name = "show",
        .group = GROUP_SWEEP,
        .summary = "all about one trial",
        .arguments = "TRIAL",
        .examples = show_examples,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_show,
    },
    {
        .name = "report",
        .group = GROUP_LEARN,
        .summary = "one page with findings, charts and tables",
        .arguments = "",
        .examples = report_examples,
        .options = report_options,
        .flags = COMMAND_DB,
        .run = cmd_report,
    },
    {
        .name = "plot",
        .group = GROUP_LEARN,
        .summary = "charts, with script and data beside them",
        .arguments = "CHART",
        .examples = plot_examples,
        .options = plot_options,
        .flags = COMMAND_DB,
        .run = cmd_plot,
    },
    {
        .name = "threshold",
        .group = GROUP_LEARN,
        .summary = "smallest size or cost at which an ability is there",
        .arguments = "TASK",
        .details = "TASK is an ability or all. The interval is a bootstrap over seeds, or with one seed what the items leave open "
                   "(Wilson). Nothing is extrapolated: > N says that N, the largest tried, does not reach it. Smooth or sharp is "
                   "told by AICc among power law, p^L, logistic and broken power law, where there are points enough.",
        .examples = threshold_examples,
        .options = threshold_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_threshold,
    },
    {
        .name = "predict",
        .group = GROUP_LEARN,
        .summary = "what a fit expects of trials before they run",
        .arguments = "SPEC",
        .details = "Stores the held-out loss that L = E + A / N^alpha + B / D^beta, as it was last fitted, expects of every dense "
                   "trial that was never begun. The interval is the fit's error on the runs held out of it. A prediction is never "
                   "changed; claims compares it with what came out.",
        .examples = predict_examples,
        .options = predict_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_predict,
    },
    {
        .name = "claims",
        .group = GROUP_LEARN,
        .summary = "what was claimed about scaling, what we measured",
        .arguments = "[NAME]",
        .details = "Judges every claim by its rule and stores the verdicts; a verdict rests on an interval, never on a bare "
                   "figure, and says which uncertainty it took.",
        .examples = claims_examples,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_claims,
    },
    {
        .name = "export",
        .group = GROUP_LEARN,
        .summary = "a view of the store as CSV, JSON or Markdown",
        .arguments = "VIEW",
        .details = "CSV unless told otherwise. results/README.md lists the views and their columns.",
        .examples = export_examples,
        .options = export_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_export,
    },
    {
        .name = "fit",
        .group = GROUP_LEARN,
        .summary = "scaling laws with intervals",
        .arguments = "[FILE]",
        .details = "Through the store's trials, or the rows of a CSV FILE (-: standard input). Numbers may be written 70M, 1.4B or "
                   "6e20 FLOPs. Each fit tells its letters to the digit, what it minimised, what was left out and why, the error on "
                   "the largest runs when they are held out, and the best N and D for a budget. A row that is no point (text, "
                   "zero, negative, given twice) is named, and nothing is fitted. Of the store, fits are kept in v_fits.",
        .examples = fit_examples,
        .options = fit_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_fit,
    },
    {
        .name = "import",
        .group = GROUP_LEARN,
        .summary = "other people's runs from a CSV file",
        .arguments = "CSV",
        .details = "Every row becomes a trial that is done, under an id that begins with import-, so that it is never taken for one "
                   "of ours. All rows or none; the same file twice changes nothing.",
        .examples = import_examples,
        .options = import_options,
        .flags = COMMAND_DB,
        .run = cmd_import,
    },
    {
        .name = "size",
        .group = GROUP_LEARN,
        .summary = "parameters, memory, days, money of known models",
        .arguments = "[MODEL]",
        .details = "Counted from the shape, for models nobody here can train too. MODEL is a name of the catalogue, "
                   "a config.json of any family, or a folder with one. Hardware is that of experiments/hardware.csv, each figure "
                   "with its source, which --on NAME shows. Memory must hold weights and the cache of keys and values; "
                   "latency is a lower bound by roofline.",
        .examples = size_examples,
        .options = size_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_size,
    },
    {
        .name = "train",
        .group = GROUP_MODEL,
        .summary = "train one model by hand",
        .arguments = "[SPEC]",
        .details = "A sweep of one trial: the model equals, to the bit, what `run` makes of the same knobs. Knobs that are not "
                   "set keep their presets (experiments/README.md), or what a SPEC with one value each says. The folder holds "
                   "config.json and model.safetensors, as other programs read them, and isoflop.knobs.",
        .examples = train_examples,
        .options = train_options,
        .flags = COMMAND_JSON | COMMAND_CSV | COMMAND_BLAS,
        .run = cmd_train,
    },
    {
        .name = "generate",
        .group = GROUP_MODEL,
        .summary = "continue a prompt",
        .arguments = "MODEL",
        .details = "MODEL is a folder with a model, a trial, the beginning of its id, or best.",
        .examples = generate_examples,
        .options = generate_options,
        .flags = COMMAND_DB | COMMAND_BLAS,
        .run = cmd_generate,
    },
    {
        .name = "eval",
        .group = GROUP_MODEL,
        .summary = "loss on held-out text, and abilities",
        .arguments = "MODEL",
        .details = "MODEL is a folder with a model, a trial, the beginning of its id, or best. Unless told otherwise it is measured on "
                   "what it was trained for, and the numbers are those that its trial stored. Every number comes with its 95 % interval: "
                   "for a loss from the spread between windows, for exact matches Wilson's. A model without tokenizer.json, whose tokens "
                   "are not bytes either, is measured on numbers of tokens (--ids): every one but the first is foretold once.",
        .examples = eval_examples,
        .options = eval_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV | COMMAND_BLAS,
        .run = cmd_eval,
    },
    {
        .name = "latency",
        .group = GROUP_MODEL,
        .summary = "time of prefill and decode, by batch and prompt",
        .arguments = "MODEL",
        .details = "MODEL is a folder with a model, a trial, the beginning of its id, or best. A sample of prefill is all prompts of a "
                   "batch; one of decode is one more token for each of its sequences. Samples count once two rounds agree within 5 %. "
                   "GB/s is bytes of weights per step over its median time: how near decode comes to the memory's speed.",
        .examples = latency_examples,
        .options = latency_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV | COMMAND_BLAS,
        .run = cmd_latency,
    },
    {
        .name = "shrink",
        .group = GROUP_MODEL,
        .summary = "make trained models smaller, and measure them",
        .arguments = "[MODEL...]",
        .details = "The shrunk model is stored as a trial of its own beside its parent. Prints its id.",
        .examples = shrink_examples,
        .options = shrink_options,
        .flags = COMMAND_DB | COMMAND_BLAS,
        .run = cmd_shrink,
    },
    {
        .name = "tokenizer",
        .group = GROUP_MODEL,
        .summary = "learn byte pairs from a text; encode, decode",
        .arguments = "ACTION FILE",
        .details = "ACTION is train, encode or decode; the FILE - is standard input. Byte-level BPE in the form of Hugging "
                   "Face's tokenizer.json; what such a file asks for beyond that is refused by name.",
        .examples = tokenizer_examples,
        .options = tokenizer_options,
        .run = cmd_tokenizer,
    },
    {
        .name = "bench",
        .group = GROUP_SPEED,
        .summary = "time training, mixtures, decoding, the machine",
        .arguments = "[SUITE...]",
        .details = "Suites: train moe decode sweep gemm machine. A sample is a process of its own; the order is drawn anew for every"
                   " block. Every case is timed in turns with a loop of multiply-adds, the peak of the core at that moment, and with"
                   " what it is to be compared with: moe, a step of a mixture, with a step of the dense model of equal active size;"
                   " decode, a prompt of 64 tokens or one token after another, in 8 bits with fp32, and with reading as many bytes as"
                   " a token needs of the weights; sweep, what a trial takes in a sweep by the wall clock and how much of it is"
                   " not the trial's own work, with the same on two jobs; gemm with OpenBLAS. machine is that peak and reading memory. Times are processor"
                   " time of the one thread that works, except in sweeps and with all CPUs. Speed and share: of FLOPs and the peak,"
                   " or, for a token, of bytes and reading.",
        .examples = bench_examples,
        .options = bench_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV | COMMAND_BLAS,
        .run = cmd_bench,
    },
    {
        .name = "baseline",
        .group = GROUP_SPEED,
        .summary = "names for benchmark runs",
        .arguments = "ACTION [NAME] [RUN]",
        .details = "ACTION is set or list. Without RUN, set names the newest run.",
        .examples = baseline_examples,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_baseline,
    },
    {
        .name = "compare",
        .group = GROUP_SPEED,
        .summary = "is a run worse than a baseline? says the exit code",
        .arguments = "A [B]",
        .details = "A and B are baselines or runs; B is the newest run unless given. Exit code 4: a regression, shown by a corrected "
                   "p below 0.05 and an interval wholly beyond the threshold, or an exact counter that changed. Exit code 5: "
                   "too few samples, or two machines. Undecided: the interval is wider than the threshold, run more samples.",
        .examples = compare_examples,
        .options = compare_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_CSV,
        .run = cmd_compare,
    },
    {
        .name = "doctor",
        .group = GROUP_SPEED,
        .summary = "is this machine fit for measuring?",
        .arguments = "",
        .examples = doctor_examples,
        .options = doctor_options,
        .flags = COMMAND_DB | COMMAND_JSON | COMMAND_BLAS,
        .run = cmd_doctor,
    },
    {
        .name = "__bench",
        .group = GROUP_OTHER,
        .summary = "one sample of one case",
        .arguments = "SUITE CASE",
        .flags = COMMAND_HIDDEN | COMMAND_BLAS,
        .run = cmd_bench_case,
    },
    {
        .name = "__trial",
        .group = GROUP_OTHER,
        .summary = "one trial, started by a runner",
        .arguments = "",
        .flags = COMMAND_HIDDEN | COMMAND_BLAS,
        .run = cmd_trial,
    },
    {
        .name = "help",
        .group = GROUP_OTHER,
        .summary = "what the program can do, or one command of it",
        .arguments = "[COMMAND]",
        .examples = help_examples,
        .run = cmd_help,
    },
    {
        .name = "__man",
        .group = GROUP_OTHER,
        .summary = "print the man page (roff)",
        .arguments = "",
        .flags = COMMAND_HIDDEN,
        .run = cmd_man,
    },
    {
        .name = "__completions",
        .group = GROUP_OTHER,
        .summary = "print completions for a shell",
        .arguments = "bash",
        .flags = COMMAND_HIDDEN,
        .run = cmd_completions,
    },
    {.name = NULL},
};
