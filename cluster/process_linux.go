package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes puts a child into a process group of its own, so that Ctrl-C in a terminal reaches this process alone,
// and has the kernel kill it when this process is gone, however it ended.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// duplicate makes the descriptor to mean what from does.
func duplicate(from, to int) error {
	return unix.Dup3(from, to, 0)
}
