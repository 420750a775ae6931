// The programs of the Temporal peer: one works workflows and activities, one starts workflows. They speak lines
// (../../line-program.ts) and end when stdin ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

const taskQueue = "bench"

func main() {
	mode := flag.String("mode", "", "work or submit")
	address := flag.String("address", "", "of the frontend")
	slots := flag.Int("slots", 32, "how many activities at once")
	flag.Parse()
	if err := run(*mode, *address, *slots); err != nil {
		fmt.Fprintln(os.Stderr, "temporal:", err)
		os.Exit(1)
	}
}

func run(mode string, address string, slots int) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	options := client.Options{HostPort: address, Logger: log.NewStructuredLogger(logger)}
	if mode == "work" {
		return work(untilInputEnds(), options, slots)
	}
	return submit(options)
}

// Whoever started the program is gone then, or wants it to end.
func untilInputEnds() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		io.Copy(io.Discard, os.Stdin)
	}()
	return ctx
}

// A line at a time, whoever says it.
var saying sync.Mutex

func say(format string, values ...any) {
	saying.Lock()
	defer saying.Unlock()
	fmt.Fprintf(os.Stdout, format+"\n", values...)
}
