// Command bench measures the Go peers of Sluice's primitives on this machine, and prints one JSON object a line:
// {"work": "queue-cycle", "peer": "client-go", "value": 114.2, "unit": "ns/op"}.
//
// The names of the works are those of the Java side, which runs this program and prints both in one table.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// A peer does one work in its own way and says what it took, in the unit of that work.
type peer struct {
	work, name, unit string
	measure          func() float64
}

type figure struct {
	Work    string  `json:"work"`
	Peer    string  `json:"peer"`
	Version string  `json:"version"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
}

var (
	quick     = flag.Bool("quick", false, "short runs, for trying out")
	versionOf = flag.String("version", "", "print the version of this peer")
	only      = flag.String("only", "", "measure the works that match this regular expression")
)

func main() {
	testing.Init()
	flag.Parse()
	switch {
	case *versionOf != "":
		fmt.Println(version(*versionOf))
		return
	case *encoding:
		check(encode())
		return
	case *stream != "" && *real:
		liveReal()
		return
	case *stream != "":
		live()
		return
	case *restarts != "":
		restart()
		return
	}
	chosen := regexp.MustCompile(*only)
	if err := flag.Set("test.benchtime", map[bool]string{true: "200ms", false: "1s"}[*quick]); err != nil {
		panic(err)
	}
	out := json.NewEncoder(os.Stdout)
	for _, p := range append(queuePeers(), limiterPeers()...) {
		if !chosen.MatchString(p.work) {
			continue
		}
		f := figure{p.work, p.name, version(p.name), p.measure(), p.unit}
		if err := out.Encode(f); err != nil {
			panic(err)
		}
	}
}

// The median of several runs.
func median(measure func() float64) func() float64 {
	return func() float64 {
		runs := 5
		if *quick {
			runs = 3
		}
		var values []float64
		for range runs {
			runtime.GC()
			values = append(values, measure())
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
}

// Nanoseconds for one operation, with the usual benchmark loop.
func nsPerOp(loop func(b *testing.B)) func() float64 {
	return median(func() float64 {
		result := testing.Benchmark(loop)
		return float64(result.T.Nanoseconds()) / float64(result.N)
	})
}

// Operations a second over n of them.
func opsPerSecond(n int, run func(n int)) func() float64 {
	return median(func() float64 {
		start := time.Now()
		run(n)
		return float64(n) / time.Since(start).Seconds()
	})
}

// The version of the module that a peer, whose variant follows a comma, comes from.
func version(peer string) string {
	peer, _, _ = strings.Cut(peer, ",")
	module := map[string]string{
		"client-go":          "k8s.io/client-go",
		"controller-runtime": "sigs.k8s.io/controller-runtime",
		"x/time/rate":        "golang.org/x/time",
	}[peer]
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == module {
				return m.Version
			}
		}
	}
	return fmt.Sprintf("unknown (%s)", module)
}
