// Command sluice-cluster runs the released etcd and kube-apiserver, and on request kube-controller-manager, in one
// directory on loopback ports, for tests on the real thing.
//
// etcd is embedded in this process. The Kubernetes programs are the unmodified main packages of k8s.io/kubernetes,
// named as tools in go.mod, built beside this binary and run as its children. Start reading at [cluster.run].
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

const usage = `sluice-cluster runs the released etcd and kube-apiserver for tests.

  sluice-cluster up [options] [DIR] [-- API SERVER FLAGS]
      Starts a cluster in DIR (a new temporary directory without it), waits until it is ready, prints the path of its
      kubeconfig as the one line on standard output, and stays until Ctrl-C, SIGTERM, "stop DIR" or the end of the
      process that started it. Then it removes what it made.
        --controller-manager  run kube-controller-manager, too (service accounts, garbage collection, namespaces' ends)
        --audit               write the audit log, JSON lines, to DIR/audit.log
        --port N              the API server's port (a free one without it)
        --keep                keep everything in DIR at the end; the next "up DIR" goes on from there
        --keep-logs           keep the log files in DIR at the end
        --background          return when the cluster is ready and leave it running until "stop DIR"
        --parent PID          stop when this process ends (the starting process; with --background: none)
        --timeout D           how long a start may take (2m)

  sluice-cluster status DIR                          what runs, as key=value lines
  sluice-cluster stop DIR                            stop the cluster in DIR
  sluice-cluster restart-apiserver [--kill] DIR [-- FLAGS]   restart the API server alone; etcd stays
  sluice-cluster stop-apiserver [--kill] DIR         stop it alone; --kill: at once, as in a crash
  sluice-cluster start-apiserver DIR [-- FLAGS]      start it again; FLAGS replace the extra flags given before
  sluice-cluster pause-apiserver DIR                 freeze it: connections stay open and silent
  sluice-cluster resume-apiserver DIR                let it run again
  sluice-cluster snapshot DIR FILE                   save etcd's state to FILE (etcdutl's format)
  sluice-cluster compact DIR                         forget etcd's history; prints the revision up to which
  sluice-cluster restore DIR FILE                    put FILE's state in place; resource versions run backwards

kubectl is built beside this binary. cluster/README.md has examples of everything.
`

func init() {
	// The kernel ties a child's parent-death signal to the *thread* that started it. The main goroutine starts every
	// child, and the main thread ends only with the process.
	runtime.LockOSThread()
}

func main() {
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "sluice-cluster: %v\n", err)
		var usageError usageError
		if errors.As(err, &usageError) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

type usageError struct{ error }

func misuse(format string, args ...any) error {
	return usageError{fmt.Errorf(format+` ("sluice-cluster help" shows the usage)`, args...)}
}

func command(args []string) error {
	if len(args) == 0 {
		return misuse("no command given")
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		fmt.Print(usage)
		return nil
	case "up":
		return up(args)
	case "stop":
		dir, err := positional(name, args, "DIR")
		if err != nil {
			return err
		}
		return stop(dir[0])
	case "status":
		dir, err := positional(name, args, "DIR")
		if err != nil {
			return err
		}
		return status(dir[0])
	case "restart-apiserver", "stop-apiserver", "start-apiserver", "pause-apiserver", "resume-apiserver":
		return apiServerCommand(name, args)
	case "compact":
		dir, err := positional(name, args, "DIR")
		if err != nil {
			return err
		}
		return control(dir[0], request{Command: name})
	case "snapshot", "restore":
		paths, err := positional(name, args, "DIR", "FILE")
		if err != nil {
			return err
		}
		file, err := filepath.Abs(paths[1])
		if err != nil {
			return err
		}
		return control(paths[0], request{Command: name, File: file})
	default:
		return misuse("unknown command %q", name)
	}
}

func up(args []string) error {
	// What the Java door and "up --background" pass on is what a user would type: one parser for all.
	o := options{}
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.BoolVar(&o.controllerManager, "controller-manager", false, "")
	flags.BoolVar(&o.audit, "audit", false, "")
	flags.IntVar(&o.port, "port", 0, "")
	flags.BoolVar(&o.keep, "keep", false, "")
	flags.BoolVar(&o.keepLogs, "keep-logs", false, "")
	flags.BoolVar(&o.background, "background", false, "")
	flags.IntVar(&o.parent, "parent", 0, "")
	flags.DurationVar(&o.timeout, "timeout", 2*time.Minute, "")
	words, extra, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(words) > 1 {
		return misuse("up takes one directory, got %q; flags for the API server stand after --", words)
	}
	if o.port < 0 || o.port > 65535 {
		return misuse("--port %d: a port is a number from 1 to 65535, or 0 for a free one", o.port)
	}
	if o.parent < 0 || (o.parent > 0 && syscall.Kill(o.parent, 0) == syscall.ESRCH) {
		return misuse("--parent %d: no such process", o.parent)
	}
	if o.timeout <= 0 {
		return misuse("--timeout %v: must be longer than nothing", o.timeout)
	}
	o.apiServerFlags = extra
	if len(words) == 1 {
		o.dir = words[0]
	}
	if o.background {
		return background(o, args)
	}
	return newCluster(o).run()
}

func apiServerCommand(name string, args []string) error {
	r := request{Command: name}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	if name == "restart-apiserver" || name == "stop-apiserver" {
		flags.BoolVar(&r.Kill, "kill", false, "")
	}
	words, extra, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(words) != 1 {
		return misuse("%s takes one directory, got %q", name, words)
	}
	if extra != nil && name != "restart-apiserver" && name != "start-apiserver" {
		return misuse("%s takes no API server flags", name)
	}
	r.Flags = extra
	return control(words[0], r)
}

// parse allows options before and after the directory. What stands after "--" is returned as extra, nil without a "--".
func parse(flags *flag.FlagSet, args []string) (words, extra []string, err error) {
	if i := slices.Index(args, "--"); i >= 0 {
		extra = append([]string{}, args[i+1:]...)
		args = args[:i]
	}
	flags.SetOutput(io.Discard)
	for {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			fmt.Print(usage)
			os.Exit(0)
		} else if err != nil {
			return nil, nil, misuse("%s: %v", flags.Name(), err)
		}
		if flags.NArg() == 0 {
			return words, extra, nil
		}
		words = append(words, flags.Arg(0))
		args = flags.Args()[1:]
	}
}

func positional(name string, args []string, wanted ...string) ([]string, error) {
	words, extra, err := parse(flag.NewFlagSet(name, flag.ContinueOnError), args)
	if err != nil {
		return nil, err
	}
	if len(words) != len(wanted) || extra != nil {
		return nil, misuse("%s takes %s, got %q", name, strings.Join(wanted, " "), args)
	}
	return words, nil
}
