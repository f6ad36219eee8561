package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"golang.org/x/sys/unix"
)

// options are what "up" was given.
type options struct {
	dir               string
	port              int
	controllerManager bool
	audit             bool
	keep              bool
	keepLogs          bool
	background        bool
	parent            int
	timeout           time.Duration
	apiServerFlags    []string
}

const (
	statusName   = "cluster.properties"
	markerName   = ".sluice-cluster" // says that a directory is ours, and in it whether we made it
	etcdName     = "etcd"
	stopPatience = 20 * time.Second
	maxRestarts  = 20
)

// Everything that a cluster puts into its directory; removing is by these names, so that nothing else ever is.
var (
	files = []string{
		"kubeconfig", "admin.kubeconfig", "admin-certificate.kubeconfig", "alice.kubeconfig", "bob.kubeconfig", "carol.kubeconfig",
		"controller-manager.kubeconfig", "ca.crt", "ca.key", "apiserver.crt", "apiserver.key", "admin.crt", "admin.key",
		"service-account.key", "tokens.csv", "audit-policy.yaml", etcdName, etcdName + ".restored", socketName, statusName,
	}
	logs = []string{"kube-apiserver.log", "kube-controller-manager.log", "etcd.log", "audit.log"}
)

// cluster is the running whole. It is owned by the main goroutine: signals, commands and the ends of children reach
// it through channels, one at a time.
type cluster struct {
	options
	made       bool // the directory is ours to remove
	lock       *os.File
	identity   *identity
	port       *reservedPort
	etcd       *embed.Etcd
	apiServer  *process // nil while stopped
	controller *process // nil while it waits for the API server
	restarts   int      // of the controller manager
	paused     bool
	flags      []string // the extra flags of the last API server that became ready
	client     *http.Client
}

func newCluster(o options) *cluster {
	return &cluster{options: o}
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "sluice-cluster: "+format+"\n", args...)
}

// run is the life of a cluster: set up the directory, start, print the kubeconfig's path, obey until told to end, clear up.
func (c *cluster) run() (err error) {
	begin := time.Now()
	ctx, cancel := c.endingContext()
	defer cancel(nil)
	if err := c.takeDirectory(); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, c.clearUp())
	}()
	orders, err := c.start(ctx)
	if err != nil {
		if reason := (ending{}); errors.As(err, &reason) {
			return fmt.Errorf("%w before the cluster was ready", reason)
		}
		return err
	}
	say("kube-apiserver %s at %s, ready after %.1f s; directory %s", c.version(), c.url(), time.Since(begin).Seconds(), c.dir)
	fmt.Println(filepath.Join(c.dir, "kubeconfig"))
	if inBackground() {
		if err := leaveTerminal(); err != nil {
			return err
		}
	}
	return c.obey(ctx, orders)
}

// ending is a reason to end that is no failure.
type ending struct{ reason string }

func (e ending) Error() string { return e.reason }

// endingContext is cancelled by SIGINT, SIGTERM, SIGHUP and by the end of the parent. A second Ctrl-C ends the process
// as it stands; the kernel then kills its children. A second SIGTERM does not: a caller's trap and its runner often send
// one each, and the directory shall be cleared.
func (c *cluster) endingContext() (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	go func() {
		first := <-signals
		cancel(ending{"stopped by " + unix.SignalName(first.(syscall.Signal))})
		for <-signals != syscall.SIGINT {
		}
		os.Exit(130)
	}()
	if gone := c.parentWatch(); gone != nil {
		go func() {
			for ; !gone(); time.Sleep(200 * time.Millisecond) {
			}
			cancel(ending{"stopped because its parent has ended"})
		}()
	}
	return ctx, cancel
}

// parentWatch returns a test for the end of the process this cluster lives for, nil if there is none.
func (c *cluster) parentWatch() func() bool {
	if c.parent != 0 {
		return func() bool { return syscall.Kill(c.parent, 0) == syscall.ESRCH }
	}
	if inBackground() {
		return nil
	}
	// An orphan gets a new parent. Not the kernel's parent-death signal: that is tied to the parent's thread, and a JVM's
	// threads come and go.
	parent := os.Getppid()
	return func() bool { return os.Getppid() != parent }
}

func (c *cluster) takeDirectory() error {
	var err error
	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "sluice-cluster-"); err != nil {
			return err
		}
		c.made = true
	}
	if c.dir, err = filepath.Abs(c.dir); err != nil {
		return err
	}
	if err := os.Mkdir(c.dir, 0o700); err == nil {
		c.made = true
	} else if !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("cannot make the directory: %w", err)
	}
	marker := filepath.Join(c.dir, markerName)
	if _, err := os.Stat(marker); err != nil {
		entries, err := os.ReadDir(c.dir)
		if err != nil {
			return fmt.Errorf("cannot use the directory: %w", err)
		}
		if len(entries) > 0 {
			return fmt.Errorf("%s is not empty and was not made by sluice-cluster (it holds %s); choose an empty or a new one",
				c.dir, entries[0].Name())
		}
	}
	if c.lock, err = takeLock(c.dir); err != nil {
		return err
	}
	if text, err := os.ReadFile(marker); err == nil && string(text) == "made\n" {
		c.made = true // by a predecessor that kept it or was killed
	}
	text := "used\n"
	if c.made {
		text = "made\n"
	}
	if err := os.WriteFile(marker, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Chdir(c.dir)
}

func (c *cluster) path(name string) string {
	return filepath.Join(c.dir, name)
}

func (c *cluster) url() string {
	return fmt.Sprintf("https://127.0.0.1:%d", c.port.number)
}

func (c *cluster) start(ctx context.Context) (<-chan order, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout,
		fmt.Errorf("the cluster was not ready within %v (--timeout)", c.timeout))
	defer cancel()
	var err error
	if c.port, err = reservePort(c.options.port); err != nil {
		return nil, err
	}
	if c.identity, err = newIdentity(c.dir); err != nil {
		return nil, fmt.Errorf("cannot write the certificates: %w", err)
	}
	if err := c.identity.writeKubeconfigs(c.url()); err != nil {
		return nil, fmt.Errorf("cannot write the kubeconfigs: %w", err)
	}
	if c.audit {
		policy := "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n"
		if err := os.WriteFile(c.path("audit-policy.yaml"), []byte(policy), 0o600); err != nil {
			return nil, err
		}
	}
	if c.client, err = c.newClient(); err != nil {
		return nil, err
	}
	if c.etcd, err = startEtcd(ctx, c.path(etcdName), c.path("etcd.log")); err != nil {
		return nil, err
	}
	if err := c.startAPIServer(ctx, c.apiServerFlags); err != nil {
		return nil, err
	}
	for _, u := range c.identity.users {
		for _, g := range u.grants {
			if err := c.grant(ctx, u, g); err != nil {
				return nil, err
			}
		}
	}
	if err := c.startControllerManager(ctx); err != nil {
		return nil, err
	}
	orders, _, err := serveControl()
	if err != nil {
		return nil, err
	}
	return orders, c.writeStatus()
}

func (c *cluster) startAPIServer(ctx context.Context, extra []string) error {
	flags := []string{
		"--etcd-servers=" + etcdURL(c.etcd),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(c.port.number),
		"--permit-port-sharing",
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none", // no endpoints may be on the loopback
		"--tls-cert-file=" + c.path("apiserver.crt"),
		"--tls-private-key-file=" + c.path("apiserver.key"),
		"--client-ca-file=" + c.path("ca.crt"),
		"--token-auth-file=" + c.path("tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-signing-key-file=" + c.path("service-account.key"),
		"--service-account-key-file=" + c.path("service-account.key"),
		"--service-cluster-ip-range=10.0.0.0/16",
		"--allow-privileged",
		// On SIGTERM watches end cleanly within this time. Without it they hang open, silent, for up to a minute.
		"--shutdown-watch-termination-grace-period=1s",
	}
	if !c.controllerManager {
		// Nobody makes the accounts that it would ask for in every pod.
		flags = append(flags, "--disable-admission-plugins=ServiceAccount")
	}
	if c.audit {
		flags = append(flags, "--audit-policy-file="+c.path("audit-policy.yaml"), "--audit-log-path="+c.path("audit.log"))
	}
	var err error
	if c.apiServer, err = startProcess("kube-apiserver", c.path("kube-apiserver.log"), append(flags, extra...)...); err != nil {
		return err
	}
	c.paused = false
	if err := c.await(ctx, c.apiServer, func() bool { return c.get(ctx, "/readyz") == http.StatusOK }); err != nil {
		c.apiServer.kill()
		c.apiServer = nil
		return err
	}
	c.flags = extra
	return nil
}

func (c *cluster) startControllerManager(ctx context.Context) error {
	if !c.controllerManager {
		return nil
	}
	if err := c.reviveControllerManager(); err != nil {
		return err
	}
	// Until this account exists no pod can be made.
	return c.await(ctx, c.controller, func() bool {
		return c.get(ctx, "/api/v1/namespaces/default/serviceaccounts/default") == http.StatusOK
	})
}

// reviveControllerManager starts it if it is wanted and does not run, and there is an API server to talk to.
func (c *cluster) reviveControllerManager() (err error) {
	if !c.controllerManager || c.controller != nil || c.apiServer == nil {
		return nil
	}
	c.controller, err = startProcess("kube-controller-manager", c.path("kube-controller-manager.log"),
		"--kubeconfig="+c.path("controller-manager.kubeconfig"),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=500", // its 20 make a start take five seconds longer
		"--kube-api-burst=500",
		"--use-service-account-credentials",
		"--service-account-private-key-file="+c.path("service-account.key"),
		"--root-ca-file="+c.path("ca.crt"),
		"--cluster-signing-cert-file="+c.path("ca.crt"),
		"--cluster-signing-key-file="+c.path("ca.key"))
	return err
}

// await returns when ready answers true, when the process has ended or when ctx is done.
func (c *cluster) await(ctx context.Context, p *process, ready func() bool) error {
	for {
		if ready() {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the cluster is not up: %s", p.obituary())
		case <-ctx.Done():
			if cause := context.Cause(ctx); errors.As(cause, &ending{}) {
				return cause
			}
			return fmt.Errorf("%w; the last lines of the log of %s:\n%s", context.Cause(ctx), p.name, p.lastLines())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *cluster) newClient() (*http.Client, error) {
	pem, err := os.ReadFile(c.path("ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("the authority's certificate cannot be read")
	}
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true},
	}, nil
}

// get returns the status of a GET as admin, 0 when there is no answer.
func (c *cluster) get(ctx context.Context, path string) int {
	answer, err := c.send(ctx, http.MethodGet, path, "")
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

func (c *cluster) send(ctx context.Context, method, path, body string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url()+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.identity.user("admin").token)
	request.Header.Set("Content-Type", "application/json")
	return c.client.Do(request)
}

func (c *cluster) grant(ctx context.Context, u user, g grant) error {
	kind, scope := "ClusterRoleBinding", ""
	if g.namespace != "" {
		kind, scope = "RoleBinding", "/namespaces/"+g.namespace
	}
	body := fmt.Sprintf(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":%q,"metadata":{"name":%q},`+
		`"subjects":[{"kind":"User","name":%q,"apiGroup":"rbac.authorization.k8s.io"}],`+
		`"roleRef":{"kind":"ClusterRole","name":%q,"apiGroup":"rbac.authorization.k8s.io"}}`,
		kind, "sluice:"+u.name+":"+g.clusterRole, u.name, g.clusterRole)
	path := "/apis/rbac.authorization.k8s.io/v1" + scope + "/" + strings.ToLower(kind) + "s"
	answer, err := c.send(ctx, http.MethodPost, path, body)
	if err != nil {
		return fmt.Errorf("cannot give %s the role %s: %w", u.name, g.clusterRole, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated && answer.StatusCode != http.StatusConflict {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return fmt.Errorf("cannot give %s the role %s: %s %s", u.name, g.clusterRole, answer.Status, text)
	}
	return nil
}

func (c *cluster) version() string {
	answer, err := c.send(context.Background(), http.MethodGet, "/version", "")
	if err != nil {
		return "(version unknown)"
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	_, rest, _ := strings.Cut(string(text), `"gitVersion": "`)
	version, _, _ := strings.Cut(rest, `"`)
	return version
}

// writeStatus says what runs, for "status" and for programs, which read it as a file.
func (c *cluster) writeStatus() error {
	state := "running"
	if c.apiServer == nil {
		state = "stopped"
	} else if c.paused {
		state = "paused"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "url=%s\nkubeconfig=%s\napiserver=%s\netcd=%s\n", c.url(), c.path("kubeconfig"), state, etcdURL(c.etcd))
	fmt.Fprintf(&b, "pid=%d\n", os.Getpid())
	if c.apiServer != nil {
		fmt.Fprintf(&b, "apiserver.pid=%d\n", c.apiServer.pid())
	}
	if c.controller != nil {
		fmt.Fprintf(&b, "controller-manager.pid=%d\n", c.controller.pid())
	}
	fmt.Fprintf(&b, "apiserver.flags=%s\n", strings.Join(c.flags, " "))
	if err := os.WriteFile(c.path(statusName+".new"), b.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Rename(c.path(statusName+".new"), c.path(statusName))
}

// obey executes commands until there is a reason to end.
func (c *cluster) obey(ctx context.Context, orders <-chan order) error {
	for {
		var apiServerEnded, controllerEnded <-chan struct{}
		if c.apiServer != nil {
			apiServerEnded = c.apiServer.ended
		}
		if c.controller != nil {
			controllerEnded = c.controller.ended
		}
		select {
		case o := <-orders:
			output, err := c.execute(ctx, o.request)
			err = errors.Join(err, c.reviveControllerManager())
			answer := response{Output: output}
			if err = errors.Join(err, c.writeStatus()); err != nil {
				answer.Error = err.Error()
			}
			o.reply(answer)
			if c.etcd == nil {
				return err
			}
		case <-ctx.Done():
			say("%v", context.Cause(ctx))
			return nil
		case <-apiServerEnded:
			return errors.New(c.apiServer.obituary())
		case <-controllerEnded:
			// It gives up when it finds no API server while it starts. Somebody restarts it, as the kubelet would.
			if c.restarts++; c.restarts > maxRestarts {
				return fmt.Errorf("%d restarts did not help: %s", maxRestarts, c.controller.obituary())
			}
			c.controller = nil
			if err := c.reviveControllerManager(); err != nil {
				return err
			}
		case err := <-c.etcd.Err():
			return fmt.Errorf("etcd ended: %w", err)
		}
	}
}

func (c *cluster) execute(ctx context.Context, r request) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("%s was not done within %v", r.Command, c.timeout))
	defer cancel()
	flags := r.Flags
	if flags == nil {
		flags = c.flags
	}
	switch r.Command {
	case "restart-apiserver":
		c.stopAPIServer(r.Kill)
		return "", c.startAPIServer(ctx, flags)
	case "stop-apiserver":
		if c.apiServer == nil {
			return "", errors.New("the API server is stopped already")
		}
		c.stopAPIServer(r.Kill)
		return "", nil
	case "start-apiserver":
		if c.apiServer != nil {
			return "", errors.New("the API server is running already; restart-apiserver gives it other flags")
		}
		return "", c.startAPIServer(ctx, flags)
	case "pause-apiserver", "resume-apiserver":
		if c.apiServer == nil {
			return "", errors.New("the API server is stopped")
		}
		c.paused = r.Command == "pause-apiserver"
		if c.paused {
			c.apiServer.signal(syscall.SIGSTOP)
		} else {
			c.apiServer.signal(syscall.SIGCONT)
		}
		return "", nil
	case "snapshot":
		return "", saveSnapshot(ctx, c.etcd, r.File)
	case "compact":
		revision, err := compact(ctx, c.etcd)
		return strconv.FormatInt(revision, 10), err
	case "restore":
		return "", c.restore(ctx, r.File)
	default:
		return "", fmt.Errorf("unknown command %q", r.Command)
	}
}

func (c *cluster) stopAPIServer(kill bool) {
	if c.apiServer == nil {
		return
	}
	if kill {
		c.apiServer.kill()
	} else {
		c.apiServer.terminate(stopPatience)
	}
	c.apiServer = nil
}

// restore unpacks the snapshot beside the running etcd first: a bad file changes nothing.
func (c *cluster) restore(ctx context.Context, file string) error {
	restored := c.path(etcdName + ".restored")
	if err := os.RemoveAll(restored); err != nil {
		return err
	}
	if _, err := unpackSnapshot(file, restored); err != nil {
		return errors.Join(err, os.RemoveAll(restored))
	}
	if c.controller != nil {
		// Its caches are of versions to come.
		c.controller.kill()
		c.controller = nil
	}
	c.stopAPIServer(true)
	c.etcd.Close()
	c.etcd = nil
	if err := os.RemoveAll(c.path(etcdName)); err != nil {
		return err
	}
	if err := os.Rename(restored, c.path(etcdName)); err != nil {
		return err
	}
	etcd, err := startEtcd(ctx, c.path(etcdName), c.path("etcd.log"))
	if err != nil {
		return err
	}
	c.etcd = etcd
	if err := c.startAPIServer(ctx, c.flags); err != nil {
		return err
	}
	return c.startControllerManager(ctx)
}

// clearUp ends what runs and removes what was made, as far as the options let it.
func (c *cluster) clearUp() error {
	if c.controller != nil {
		c.controller.kill()
	}
	c.stopAPIServer(!c.keep)
	if c.etcd != nil {
		c.etcd.Close()
	}
	if c.port != nil {
		c.port.release()
	}
	remove := append([]string{}, files...)
	if c.keep {
		remove = []string{socketName, statusName}
	} else if !c.keepLogs {
		remove = append(remove, logs...)
	}
	var failures []error
	for _, name := range remove {
		failures = append(failures, os.RemoveAll(c.path(name)))
	}
	if !c.keep && !c.keepLogs {
		failures = append(failures, os.Remove(c.path(markerName)))
	}
	failures = append(failures, os.Remove(c.path(lockName)))
	if c.made {
		// Fails, as it should, when something is left in it: what was to be kept, or what somebody else put there.
		_ = os.Remove(c.dir)
	}
	return errors.Join(failures...)
}
