package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// serve starts a server that prints its address, and ends with its input.
func (l *lab) serve(program, dir string) (address string, err error) {
	s, err := l.converse(program, dir)
	if err != nil {
		return "", err
	}
	return s.line()
}

// A conversation is with a program that answers lines.
type conversation struct {
	in  io.WriteCloser
	out *bufio.Reader
}

func (l *lab) converse(program string, args ...string) (*conversation, error) {
	cmd := exec.CommandContext(l.ctx, program, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l.onClose(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &conversation{in, bufio.NewReader(out)}, nil
}

func (c *conversation) line() (string, error) {
	text, err := c.out.ReadString('\n')
	return strings.TrimSpace(text), err
}

// way is one whose figure is the program's answer to a line.
func (c *conversation) way(name, question string) way {
	return way{name, func(context.Context) (float64, error) {
		if _, err := fmt.Fprintln(c.in, question); err != nil {
			return 0, err
		}
		answer, err := c.line()
		if err != nil {
			return 0, err
		}
		return strconv.ParseFloat(answer, 64)
	}}
}
