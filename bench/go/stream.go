package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

var (
	encoding = flag.Bool("encode", false, "read pods as JSON and write them as protobuf, each after its length in four bytes")
	restarts = flag.String("restart", "", "be an informer of config maps on this server, and print after how many milliseconds it has all")
	stream   = flag.String("stream", "", "be an informer on this server, and print its figures")
	orders   = flag.String("orders", "", "where the replay takes orders")
	ca       = flag.String("ca", "", "the certificate to trust")
	resource = flag.String("resource", "", "the path of what is listed")
	objects  = flag.Int("objects", 0, "how many there are")
	events   = flag.Int("events", 0, "how many events are told as fast as they are read")
	paced    = flag.Int("paced", 0, "how many then at a rate")
	speed    = flag.Int("rate", 0, "so many a second")
	protobuf = flag.Bool("protobuf", false, "ask for protobuf")
	real     = flag.Bool("real", false, "the server is a real one: its pods say in an annotation when they were written")
	token    = flag.String("token", "", "the bearer token")
)

// As the Java side: versions of events are above this, by a count or by the time at which they were written.
const firstVersion = 2_000_000_000_000_000_000

func encode() error {
	in := bufio.NewReader(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	for {
		var length uint32
		if err := binary.Read(in, binary.BigEndian, &length); err == io.EOF {
			return out.Flush()
		} else if err != nil {
			return err
		}
		object := make([]byte, length)
		if _, err := io.ReadFull(in, object); err != nil {
			return err
		}
		var pod corev1.Pod
		if err := json.Unmarshal(object, &pod); err != nil {
			return err
		}
		encoded, err := pod.Marshal()
		if err != nil {
			return err
		}
		if err := binary.Write(out, binary.BigEndian, uint32(len(encoded))); err != nil {
			return err
		}
		if _, err := out.Write(encoded); err != nil {
			return err
		}
	}
}

// A shared informer of client-go with a handler that counts, and times what it is told while that is asked for.
type informer struct {
	cache.SharedIndexInformer
	told   atomic.Int64
	timing atomic.Bool
	late   []float64
	stop   chan struct{}
}

func startInformer(config *rest.Config) (*informer, error) {
	i := &informer{stop: make(chan struct{}), late: make([]float64, 0, *paced)}
	if *resource == "/api/v1/pods" {
		if *protobuf {
			config.ContentType = "application/vnd.kubernetes.protobuf"
		}
		config.APIPath = "/api"
		config.GroupVersion = &corev1.SchemeGroupVersion
		config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
		client, err := rest.RESTClientFor(config)
		if err != nil {
			return nil, err
		}
		pods := cache.NewListWatchFromClient(client, "pods", metav1.NamespaceAll, fields.Everything())
		i.SharedIndexInformer = cache.NewSharedIndexInformer(pods, &corev1.Pod{}, 0, cache.Indexers{})
	} else {
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return nil, err
		}
		parts := strings.Split(*resource, "/")
		kind := client.Resource(schema.GroupVersionResource{Group: parts[2], Version: parts[3], Resource: parts[4]})
		i.SharedIndexInformer = cache.NewSharedIndexInformer(&cache.ListWatch{
			ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (kruntime.Object, error) {
				return kind.List(ctx, options)
			},
			WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
				return kind.Watch(ctx, options)
			},
		}, &unstructured.Unstructured{}, 0, cache.Indexers{})
	}
	if _, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { i.told.Add(1) },
		DeleteFunc: func(any) { i.told.Add(1) },
		UpdateFunc: func(_, object any) {
			i.told.Add(1)
			if *real {
				if n := i.told.Load(); i.timing.Load() && n%8 == 0 {
					written, err := strconv.ParseInt(object.(*corev1.Pod).Annotations["bench.sluice.dev/written"], 10, 64)
					check(err)
					i.late = append(i.late, float64(monotonic()-written)/1e6)
				}
			} else if i.timing.Load() {
				accessor, err := meta.Accessor(object)
				check(err)
				written, err := strconv.ParseInt(accessor.GetResourceVersion(), 10, 64)
				check(err)
				i.late = append(i.late, float64(monotonic()-(written-firstVersion))/1e6)
			}
		},
	}); err != nil {
		return nil, err
	}
	go i.Run(i.stop)
	return i, nil
}

func (i *informer) awaitAll() {
	for i.told.Load() < int64(*objects) {
		time.Sleep(time.Millisecond)
	}
}

// Until the handler has not been called for a while.
func (i *informer) settle() {
	for told := int64(-1); told != i.told.Load(); {
		told = i.told.Load()
		time.Sleep(100 * time.Millisecond)
	}
}

// An informer's life as the Java side measures it. Prints its figures in the order of StreamSet.Part.
func live() {
	config := func() *rest.Config {
		return &rest.Config{Host: *stream, QPS: -1, TLSClientConfig: rest.TLSClientConfig{CAFile: *ca}}
	}
	before := heap()
	order, err := net.Dial("tcp", *orders)
	check(err)
	answers := bufio.NewReader(order)
	_, err = answers.ReadString('\n')
	check(err)

	began := time.Now()
	i, err := startInformer(config())
	check(err)
	i.awaitAll()
	list := time.Since(began)

	cpu, allocated, from := cpuTime(), totalAllocated(), time.Now()
	fmt.Fprintf(order, "%d 0\n", *events)
	answer, err := answers.ReadString('\n')
	check(err)
	words := strings.Fields(answer)
	all, err := strconv.ParseInt(words[1], 10, 64)
	check(err)
	version := strconv.FormatInt(firstVersion+all, 10)
	key := words[2]
	for {
		object, found, _ := i.GetIndexer().GetByKey(key)
		if found {
			accessor, err := meta.Accessor(object)
			check(err)
			if accessor.GetResourceVersion() == version {
				break
			}
		}
		time.Sleep(time.Millisecond)
	}
	perSecond := float64(*events) / time.Since(from).Seconds()
	i.settle()
	spent := float64(cpuTime()-cpu) / 1e3 / float64(*events)
	made := float64(totalAllocated()-allocated) / float64(*events)
	memory := (heap() - before) / float64(*objects)
	resident := residentSet()
	median, p99 := math.NaN(), math.NaN()
	if *paced > 0 {
		i.timing.Store(true)
		fmt.Fprintf(order, "%d %d\n", *paced, *speed)
		_, err = answers.ReadString('\n')
		check(err)
		time.Sleep(time.Duration(*paced) * time.Second / time.Duration(*speed))
		i.settle()
		i.timing.Store(false)
		late := slices.SortedFunc(slices.Values(i.late[len(i.late)/2:]), cmp.Compare)
		median, p99 = late[len(late)/2], late[len(late)*99/100]
	}
	close(i.stop)

	again := time.Now()
	second, err := startInformer(config())
	check(err)
	second.awaitAll()
	warm := time.Since(again)
	http2 := 0
	if strings.HasPrefix(words[0], "HTTP/2") {
		http2 = 1
	}
	milliseconds := func(d time.Duration) float64 { return float64(d) / 1e6 }
	fmt.Println(spent, perSecond, made, milliseconds(list), milliseconds(warm), memory, resident, median, p99, http2)
}

// An informer's life on a real server, as the Java side measures it: told by lines when what begins. Prints its figures in
// the order of StreamReal.Part.
func liveReal() {
	before := heap()
	began := time.Now()
	i, err := startInformer(&rest.Config{Host: *stream, QPS: -1, BearerToken: *token, TLSClientConfig: rest.TLSClientConfig{CAFile: *ca}})
	check(err)
	i.awaitAll()
	list := float64(time.Since(began)) / 1e6
	i.timing.Store(true)
	cpu := cpuTime()
	fmt.Println("listed")
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	check(err)
	words := strings.Fields(line)
	writes, err := strconv.ParseInt(words[0], 10, 64)
	check(err)
	for has := false; !has; {
		for _, object := range i.GetIndexer().List() {
			has = has || object.(*corev1.Pod).ResourceVersion == words[2]
		}
		time.Sleep(10 * time.Millisecond)
	}
	i.settle()
	spent := float64(cpuTime()-cpu) / 1e3 / float64(writes)
	i.timing.Store(false)
	late := slices.SortedFunc(slices.Values(i.late[len(i.late)/2:]), cmp.Compare)
	memory := (heap() - before) / float64(*objects)
	fmt.Println("figures", spent, list, memory, residentSet(), late[len(late)/2], late[len(late)*99/100])
}

// From main until the cache of an informer has everything. The token is in the environment.
func restart() {
	began := time.Now()
	config := &rest.Config{Host: *restarts, QPS: -1, BearerToken: os.Getenv("BENCH_TOKEN"), TLSClientConfig: rest.TLSClientConfig{CAFile: *ca}}
	config.APIPath = "/api"
	config.GroupVersion = &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	client, err := rest.RESTClientFor(config)
	check(err)
	maps := cache.NewListWatchFromClient(client, "configmaps", metav1.NamespaceDefault, fields.Everything())
	i := cache.NewSharedIndexInformer(maps, &corev1.ConfigMap{}, 0, cache.Indexers{})
	stop := make(chan struct{})
	go i.Run(stop)
	for !i.HasSynced() || len(i.GetStore().ListKeys()) < *objects {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(float64(time.Since(began)) / 1e6)
	close(stop)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc + stats.StackInuse)
}

func totalAllocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

func cpuTime() int64 {
	var usage unix.Rusage
	check(unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func residentSet() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return math.NaN()
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilobytes, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			check(err)
			return kilobytes * 1024
		}
	}
	return math.NaN()
}

// The clock that the Java side's System.nanoTime reads.
func monotonic() int64 {
	var now unix.Timespec
	check(unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
	return now.Nano()
}
