package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// backgroundMark in the environment tells a cluster that background started it.
const backgroundMark = "SLUICE_CLUSTER_BACKGROUND"

func inBackground() bool {
	return os.Getenv(backgroundMark) != ""
}

// background starts this program once more, in a session of its own, and returns when that one is ready or has failed.
func background(o options, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, append([]string{"up"}, foregroundArgs(args)...)...)
	child.Env = append(os.Environ(), backgroundMark+"=1")
	child.Stderr = os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	output, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	line, _ := io.ReadAll(output) // until it lets go of the terminal or ends
	if len(line) == 0 {
		if err := child.Wait(); err != nil {
			os.Exit(1) // it has said why
		}
		return errors.New("the cluster ended before it was ready")
	}
	fmt.Print(string(line))
	return child.Process.Release()
}

// foregroundArgs leaves out --background, and nothing of what stands after "--".
func foregroundArgs(args []string) []string {
	var kept []string
	for i, a := range args {
		if a == "--" {
			return append(kept, args[i:]...)
		}
		if name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "="); strings.HasPrefix(a, "-") && name == "background" {
			continue
		}
		kept = append(kept, a)
	}
	return kept
}

// leaveTerminal points the standard streams to nowhere, so that nobody waits for the end of a pipe that a cluster in the
// background holds open.
func leaveTerminal() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	for fd := range 3 {
		if err := duplicate(int(null.Fd()), fd); err != nil {
			return err
		}
	}
	return nil
}
