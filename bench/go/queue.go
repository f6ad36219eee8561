package main

import (
	"strconv"
	"sync"
	"testing"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
)

func queuePeers() []peer {
	n := 1_000_000
	slow := 100_000
	if *quick {
		n, slow = 200_000, 30_000
	}
	distinct(n)
	return []peer{
		{"queue-cycle", "client-go", "ns/op", nsPerOp(func(b *testing.B) {
			q := workqueue.NewTyped[string]()
			cycle(b, q)
		})},
		{"queue-cycle", "controller-runtime", "ns/op", nsPerOp(func(b *testing.B) {
			q := priorityqueue.New[string]("bench")
			cycle(b, q)
		})},
		{"queue-1-to-4", "client-go", "ops/s", opsPerSecond(n, func(n int) {
			oneToFour(workqueue.NewTyped[string](), n)
		})},
		{"queue-1-to-4", "controller-runtime", "ops/s", opsPerSecond(slow, func(n int) {
			oneToFourCounted(priorityqueue.New[string]("bench"), n)
		})},
	}
}

var keys = func() []string {
	all := make([]string, 1024)
	for i := range all {
		all[i] = "namespace-" + strconv.Itoa(i%16) + "/name-" + strconv.Itoa(i)
	}
	return all
}()

// A queue as both peers have it.
type queue interface {
	Add(item string)
	Get() (item string, shutdown bool)
	Done(item string)
	ShutDown()
}

// One thread adds a key, takes it and is done with it.
func cycle(b *testing.B, q queue) {
	defer q.ShutDown()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		q.Add(keys[i&1023])
		key, _ := q.Get()
		q.Done(key)
	}
}

// One thread adds n different keys, four take them; the time is over when all are done and the workers have ended.
func oneToFour(q queue, n int) {
	all := distinct(n)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for {
				key, down := q.Get()
				if down {
					return
				}
				q.Done(key)
			}
		})
	}
	for _, key := range all {
		q.Add(key)
	}
	q.ShutDown() // client-go's gives out what it has before it tells the workers to end
	workers.Wait()
}

// The same with controller-runtime's, which drops what it has when it is shut down.
func oneToFourCounted(q queue, n int) {
	all := distinct(n)
	var left sync.WaitGroup
	left.Add(n)
	for range 4 {
		go func() {
			for {
				key, down := q.Get()
				if down {
					return
				}
				q.Done(key)
				left.Done()
			}
		}()
	}
	for _, key := range all {
		q.Add(key)
	}
	left.Wait()
	q.ShutDown()
}

var names []string

func distinct(n int) []string {
	for i := len(names); i < n; i++ {
		names = append(names, "namespace-"+strconv.Itoa(i%16)+"/name-"+strconv.Itoa(i))
	}
	return names[:n]
}
