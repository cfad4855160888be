"""The loop of BenchmarkClient with Python's openai client and a thread for each call in flight.

Prints one line in the form of a Go benchmark. Run by `make check-client`.
"""

import argparse
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import openai


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--questions", required=True, help="one JSON string a line")
    parser.add_argument("--threads", type=int, default=2000)
    parser.add_argument("--replies", required=True, help="file that replies are appended to")
    args = parser.parse_args()
    with open(args.questions) as f:
        questions = [json.loads(line) for line in f]

    client = openai.OpenAI(base_url=args.url, api_key="none")
    out = open(args.replies, "a")

    def ask(question):
        reply = client.chat.completions.create(
            model="sim-annotator-a",
            messages=[{"role": "user", "content": question}],
            temperature=0,
            max_tokens=1024,
        )
        return reply.choices[0].message.content

    def cpu():
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    before, start = cpu(), time.time()
    with ThreadPoolExecutor(args.threads) as pool:
        for content in pool.map(ask, questions):
            out.write(json.dumps(content) + "\n")
    out.close()
    took, used = time.time() - start, cpu() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    n = len(questions)
    print(
        f"PythonOpenAI-{args.threads}-threads {n} {n / took:.1f} calls/s {used / took:.2f} cores "
        f"{1e6 * used / n:.0f} µs-cpu/call {peak:.0f} MB-peak"
    )


if __name__ == "__main__":
    main()
