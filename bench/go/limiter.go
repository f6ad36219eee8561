package main

import (
	"context"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

func limiterPeers() []peer {
	const name = "x/time/rate"
	return []peer{
		{"try-granted", name, "ns/op", nsPerOp(func(b *testing.B) { try(b, granting(), true) })},
		{"try-refused", name, "ns/op", nsPerOp(func(b *testing.B) { try(b, refusing(), false) })},
		{"try-granted-2", name, "ops/s", tryTogether(2, granting, true)},
		{"try-granted-8", name, "ops/s", tryTogether(8, granting, true)},
		{"try-refused-2", name, "ops/s", tryTogether(2, refusing, false)},
		{"try-refused-8", name, "ops/s", tryTogether(8, refusing, false)},
		{"try-fairness-2", name, "% of ideal", func() float64 { return fairness(2) }},
		{"try-fairness-8", name, "% of ideal", func() float64 { return fairness(8) }},
		{"pace-error", name + ", 1,000/s", "%", func() float64 { return pace(1_000)[0] }},
		{"pace-error", name + ", 100,000/s", "%", func() float64 { return pace(100_000)[0] }},
		{"pace-gap", name, "ms", func() float64 { return pace(1_000)[1] }},
	}
}

// As the Java side: a rate at which a permit is always there, or an empty bucket.
func granting() *rate.Limiter { return rate.NewLimiter(1e9, 1_000_000) }

func refusing() *rate.Limiter {
	limiter := rate.NewLimiter(rate.Every(24*time.Hour), 1_000_000)
	limiter.AllowN(time.Now(), 1_000_000)
	return limiter
}

func try(b *testing.B, limiter *rate.Limiter, granted bool) {
	for b.Loop() {
		if limiter.Allow() != granted {
			panic("not the answer that is meant to be measured")
		}
	}
}

// How often so many goroutines got an answer, each as fast as it can, and how often each of them did.
func race(limiter *rate.Limiter, goroutines int, granted bool, span time.Duration) (float64, []int) {
	var ended sync.WaitGroup
	counts := make([]int, goroutines)
	start := time.Now()
	for i := range goroutines {
		ended.Go(func() {
			n := 0
			for time.Since(start) < span {
				for range 64 {
					if limiter.Allow() != granted {
						panic("not the answer that is meant to be measured")
					}
					n++
				}
			}
			counts[i] = n
		})
	}
	ended.Wait()
	took := time.Since(start)
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return float64(sum) / took.Seconds(), counts
}

func tryTogether(goroutines int, limiter func() *rate.Limiter, granted bool) func() float64 {
	return median(func() float64 {
		span := time.Second
		if *quick {
			span = 200 * time.Millisecond
		}
		opsPerSecond, _ := race(limiter(), goroutines, granted, span)
		return opsPerSecond
	})
}

// How many permits the goroutine that got fewest got, in percent of the one that got most.
func fairness(goroutines int) float64 {
	_, counts := race(granting(), goroutines, true, tenSeconds())
	return 100 * float64(slices.Min(counts)) / float64(slices.Max(counts))
}

func tenSeconds() time.Duration {
	if *quick {
		return time.Second
	}
	return 10 * time.Second
}

var paces = map[int][2]float64{}

// Four goroutines that wait for permits all the time: the error of the rate in percent, and the 99th percentile of that of the gaps in ms.
func pace(perSecond int) [2]float64 {
	if known, ok := paces[perSecond]; ok {
		return known
	}
	burst := max(1, perSecond/100) // 10 ms, used up before it counts
	limiter := rate.NewLimiter(rate.Limit(perSecond), burst)
	count := int(float64(perSecond) * tenSeconds().Seconds())
	permits(limiter, count/10)
	at := permits(limiter, count+2*burst)[2*burst:]
	ideal := 1e9 / float64(perSecond)
	took := float64(at[len(at)-1] - at[0])
	rateError := 100 * math.Abs(float64(len(at)-1)*ideal/took-1)
	var gaps []float64
	for i := 1; i < len(at); i++ {
		gaps = append(gaps, math.Abs(float64(at[i]-at[i-1])-ideal))
	}
	slices.Sort(gaps)
	gap := gaps[int(math.Ceil(0.99*float64(len(gaps))))-1] / 1e6
	paces[perSecond] = [2]float64{rateError, gap}
	return paces[perSecond]
}

// When so many permits came, in order.
func permits(limiter *rate.Limiter, count int) []time.Duration {
	const callers = 4
	var ended sync.WaitGroup
	left := make(chan struct{}, count)
	for range count {
		left <- struct{}{}
	}
	close(left)
	start := time.Now()
	all := make([][]time.Duration, callers)
	for i := range callers {
		ended.Go(func() {
			for range left {
				if err := limiter.Wait(context.Background()); err != nil {
					panic(err)
				}
				all[i] = append(all[i], time.Since(start))
			}
		})
	}
	ended.Wait()
	at := slices.Concat(all...)
	slices.Sort(at)
	return at
}
