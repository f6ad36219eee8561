package main

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// reservedPort is a loopback port that stays this cluster's own while its API server is away.
//
// A socket is bound to it with SO_REUSEPORT and never listens: clients are refused as on any closed port, no other
// program can take the port, and the API server (--permit-port-sharing) binds it beside this socket. So there is no
// moment between finding a free port and using it, nor between two runs of the API server, in which it can be lost.
type reservedPort struct {
	number int
	socket int
}

// reservePort takes the port asked for, or a free one for 0.
func reservePort(number int) (*reservedPort, error) {
	if number != 0 {
		// A plain bind first: it also fails on a port that another cluster of ours has reserved.
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", number))
		if err != nil {
			return nil, portError(number, err)
		}
		l.Close()
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	unix.CloseOnExec(socket)
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		unix.Close(socket)
		return nil, fmt.Errorf("cannot share a port: %w", err)
	}
	if err := unix.Bind(socket, &unix.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		unix.Close(socket)
		return nil, portError(number, err)
	}
	address, err := unix.Getsockname(socket)
	if err != nil {
		unix.Close(socket)
		return nil, fmt.Errorf("cannot read the reserved port: %w", err)
	}
	return &reservedPort{number: address.(*unix.SockaddrInet4).Port, socket: socket}, nil
}

func portError(number int, err error) error {
	if errors.Is(err, unix.EADDRINUSE) {
		return fmt.Errorf("port %d on 127.0.0.1 is taken; choose another with --port, or leave --port out for a free one", number)
	}
	if errors.Is(err, unix.EACCES) {
		return fmt.Errorf("port %d on 127.0.0.1 needs privileges; choose one above 1023", number)
	}
	return fmt.Errorf("cannot bind port %d on 127.0.0.1: %w", number, err)
}

func (p *reservedPort) release() {
	unix.Close(p.socket)
}
