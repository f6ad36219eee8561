//go:build !linux

package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// childAttributes puts a child into a process group of its own, so that Ctrl-C in a terminal reaches this process alone.
// Only Linux can tie a child's life to its parent's: elsewhere a SIGKILL to this process leaves its children running.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// duplicate makes the descriptor to mean what from does.
func duplicate(from, to int) error {
	return unix.Dup2(from, to)
}
