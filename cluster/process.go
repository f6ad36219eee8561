package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is one of the Kubernetes programs, running as a child whose output goes to a log file.
type process struct {
	name    string
	command *exec.Cmd
	logFile string
	logFrom int64         // where in the log its own lines begin: the file outlives restarts
	ended   chan struct{} // closed when it has ended and was waited for
	failure error         // set before ended is closed
}

// startProcess runs a program that was built beside this one. To be called on the main goroutine only, see init.
func startProcess(name, logFile string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find the path of this program: %w", err)
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write the log of %s: %w", name, err)
	}
	defer log.Close()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	command := exec.Command(filepath.Join(filepath.Dir(self), name), args...)
	// About a fifth less CPU for each request, for some hundred megabytes: these clusters live for minutes, beside their clients.
	if os.Getenv("GOGC") == "" {
		command.Env = append(os.Environ(), "GOGC=300")
	}
	command.Stdout = log
	command.Stderr = log
	command.SysProcAttr = childAttributes()
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("cannot start %s (cluster/build makes it): %w", name, err)
	}
	p := &process{name: name, command: command, logFile: logFile, logFrom: from, ended: make(chan struct{})}
	go func() {
		p.failure = command.Wait()
		close(p.ended)
	}()
	return p, nil
}

func (p *process) pid() int {
	return p.command.Process.Pid
}

func (p *process) signal(s syscall.Signal) {
	// The only error is that it has ended, which ended tells.
	_ = p.command.Process.Signal(s)
}

// kill ends it at once, as a crash would, and returns when it is gone.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// terminate asks it to end and kills it when it has not done so in time.
func (p *process) terminate(patience time.Duration) {
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGCONT) // it may be paused
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.kill()
	}
}

// obituary says how it ended, with the last lines of its log. Only after ended.
func (p *process) obituary() string {
	how := "exit status 0"
	if p.failure != nil {
		how = p.failure.Error()
	}
	return fmt.Sprintf("%s ended (%s); the last lines of its log:\n%s", p.name, how, p.lastLines())
}

// lastLines returns the end of its log, without the lines of mere information if there are others.
func (p *process) lastLines() string {
	const window, count, width = 64 << 10, 15, 400
	f, err := os.Open(p.logFile)
	if err != nil {
		return "    (no log: " + err.Error() + ")"
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(p.logFrom, size-window), io.SeekStart)
	}
	data, _ := io.ReadAll(f)
	all := strings.Split(strings.TrimSpace(string(data)), "\n")
	information := regexp.MustCompile(`^[IW]\d{4} `)
	if telling := slices.DeleteFunc(slices.Clone(all), information.MatchString); len(telling) > 0 {
		all = telling
	}
	all = all[max(0, len(all)-count):]
	for i, line := range all {
		if len(line) > width {
			line = line[:width] + "..."
		}
		all[i] = "    " + line
	}
	return strings.Join(all, "\n")
}
