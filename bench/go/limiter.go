package main

import (
	"testing"

	"golang.org/x/time/rate"
)

func limiterPeers() []peer {
	return []peer{
		{"try-one-thread", "x/time/rate", "ns/op", nsPerOp(func(b *testing.B) {
			limiter := rate.NewLimiter(1e9, 1_000_000)
			for i := 0; i < b.N; i++ {
				limiter.Allow()
			}
		})},
	}
}
