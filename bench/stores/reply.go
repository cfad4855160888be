package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"tinyv/internal/journal"
)

var words = strings.Fields(`we have the equation so let x be a root of this polynomial and then since both sides are
equal it follows that \frac{1}{2} \sqrt{3} x^2+1 = 0 therefore must hold for all integers n \geq 1 however wait check that again
substitute into gives \boxed{ } \left( \right) \cdot a_{n+1} mod p sum of first terms is \pi r^2 triangle angle circle radius area
ratio probability 3 7 12 144 0.25 -5 k<-5 answer hence we conclude prime factor even odd Step case 1: case 2:`)

// reply is one of about valueBytes as JSON that reads like one on maths: no random
// bytes, which nothing compresses, and not one byte again and again.
func reply(n int) journal.Reply {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	var b strings.Builder
	for b.Len() < valueBytes-450 {
		b.WriteString(words[random.IntN(len(words))])
		b.WriteByte(' ')
		if random.IntN(8) == 0 {
			fmt.Fprintf(&b, "%d ", random.IntN(1000))
		}
	}
	return journal.Reply{
		Content: b.String(), FinishReason: "stop", Model: "Qwen2.5-72B-Instruct", Identity: "Qwen/Qwen2.5-72B-Instruct",
		PromptTokens: int64(300 + random.IntN(500)), CompletionTokens: valueBytes / 4, CostUSD: new(0.0004),
		LatencyMS: float64(random.IntN(60_000)), Host: "gpu-03.cluster:8000", Time: time.Date(2026, 11, 21, 10, 0, 0, n, time.UTC),
	}
}
