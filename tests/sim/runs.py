"""Runs the simulation, several at a time, and averages over seeds."""

import concurrent.futures
import json
import subprocess
import sys


def run(program, options):
    words = [f"{key}={value}" for key, value in options.items()]
    done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise OSError(f"{program} {' '.join(words)}: {done.stderr.strip()[-400:]}")
    result = json.loads(done.stdout)
    if not result["books_balance"]:
        raise OSError(f"{program} {' '.join(words)}: frames in and out differ")
    return result


def mean(results):
    numbers = [key for key, value in results[0].items()
               if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return {key: sum(r[key] for r in results) / len(results) for key in numbers}


def run_all(program, wanted, jobs):
    """wanted: {key: [options, one for each seed]}. {key: the mean result}."""
    flat = [(key, options) for key, all_options in wanted.items() for options in all_options]
    results = {key: [] for key in wanted}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        outcomes = pool.map(lambda item: run(program, item[1]), flat)
        for number, ((key, _), result) in enumerate(zip(flat, outcomes), 1):
            results[key].append(result)
            if sys.stderr.isatty():
                print(f"\rsim: {number} of {len(flat)} runs", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return {key: mean(several) for key, several in results.items()}
