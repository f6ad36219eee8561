package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A running cluster is commanded through DIR/control.sock: one JSON request a connection, one JSON response when it is
// done. Both ends stand in DIR and use the bare name, since a socket's path may have no more than about 100 bytes.
const socketName = "control.sock"

type request struct {
	Command string   `json:"command"`
	Kill    bool     `json:"kill,omitempty"`
	File    string   `json:"file,omitempty"`
	Flags   []string `json:"flags"` // null: as before
}

type response struct {
	Output string `json:"output,omitempty"`
	Error  string `json:"error,omitempty"`
}

// order is a request together with the way to answer it.
type order struct {
	request
	reply func(response)
}

// serveControl hands every request that comes in to the returned channel's reader. To be called inside DIR.
func serveControl() (<-chan order, io.Closer, error) {
	// What a killed predecessor left; the lock says that nobody uses it.
	_ = os.Remove(socketName)
	listener, err := net.Listen("unix", socketName)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot listen for commands: %w", err)
	}
	orders := make(chan order)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				var r request
				_ = connection.SetReadDeadline(time.Now().Add(10 * time.Second))
				if err := json.NewDecoder(connection).Decode(&r); err != nil {
					return
				}
				done := make(chan struct{})
				orders <- order{r, func(answer response) {
					_ = json.NewEncoder(connection).Encode(answer)
					close(done)
				}}
				<-done
			}()
		}
	}()
	return orders, listener, nil
}

// control sends one request to the cluster in dir and prints its answer.
func control(dir string, r request) error {
	lock, err := runningIn(dir)
	if err != nil {
		return err
	}
	lock.Close()
	if err := os.Chdir(dir); err != nil {
		return err
	}
	connection, err := net.Dial("unix", socketName)
	if err != nil {
		return fmt.Errorf("the cluster in %s takes no commands (yet): %w", dir, err)
	}
	defer connection.Close()
	if err := json.NewEncoder(connection).Encode(r); err != nil {
		return fmt.Errorf("cannot reach the cluster in %s: %w", dir, err)
	}
	var answer response
	if err := json.NewDecoder(connection).Decode(&answer); err != nil {
		return fmt.Errorf("the cluster in %s ended before it had done %s", dir, r.Command)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	if answer.Output != "" {
		fmt.Println(answer.Output)
	}
	return nil
}

// lockName holds the process id of the cluster that runs in a directory. The kernel's lock on the file says whether one
// does: it ends with its owner, however that ended.
const lockName = "lock"

// takeLock makes this process the owner of dir, or says who is.
func takeLock(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot use the directory: %w", err)
	}
	if syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		owner, _ := io.ReadAll(file)
		file.Close()
		return nil, fmt.Errorf("a cluster (process %s) is running in %s already; \"stop %[2]s\" ends it",
			strings.TrimSpace(string(owner)), dir)
	}
	if err := file.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return nil, err
	}
	return file, nil
}

// runningIn opens the lock file of the cluster that runs in dir.
func runningIn(dir string) (*os.File, error) {
	file, err := os.Open(filepath.Join(dir, lockName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no cluster is running in %s", dir)
	}
	if err != nil {
		return nil, err
	}
	if syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		file.Close()
		return nil, fmt.Errorf("no cluster is running in %s; one that was killed left its files there", dir)
	}
	return file, nil
}

// stop asks the cluster in dir to end and returns when its process is gone.
func stop(dir string) error {
	lock, err := runningIn(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	text, err := io.ReadAll(lock)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("%s holds no process id but %q", lock.Name(), text)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("cannot stop process %d: %w", pid, err)
	}
	// The lock is free when its owner is gone. The file itself may be removed by then.
	gone := make(chan error, 1)
	go func() { gone <- syscall.Flock(int(lock.Fd()), syscall.LOCK_SH) }()
	select {
	case err := <-gone:
		return err
	case <-time.After(time.Minute):
		return fmt.Errorf("process %d did not end within a minute; \"kill -9 %[1]d\" ends it and its children", pid)
	}
}

// status prints what the running cluster in dir wrote about itself.
func status(dir string) error {
	lock, err := runningIn(dir)
	if err != nil {
		return err
	}
	lock.Close()
	text, err := os.ReadFile(filepath.Join(dir, statusName))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the cluster in %s is still starting", dir)
	}
	fmt.Print(string(text))
	return err
}
