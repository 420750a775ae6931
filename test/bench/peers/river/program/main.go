// The programs of the River peer: one works jobs, one inserts them. They speak lines (../../line-program.ts) and
// end when stdin ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// What River's own benchmark runs with (riverbench, of its command line): "much better than the client's default
// values". An inserter too must have the cooldown: it notifies of a queue no more often than that.
const (
	fetchCooldown     = 2 * time.Millisecond
	fetchPollInterval = 20 * time.Millisecond
)

// Of each process: for fetching, completing, inserting, and one that listens. Where each job completes in a
// transaction of its own, so many jobs at once wait for the disk together.
const (
	connections              = 20
	transactionalConnections = 100
)

type (
	tx     = pgx.Tx
	client = river.Client[tx]
)

// A job: a step of a run, or, without a run, a no-op that is only counted.
type stepArgs struct {
	Run string `json:"run,omitempty"`
	// Steps that follow this one.
	More int `json:"more,omitempty"`
	// Computes fibo(n), if more than 0.
	Fibo int `json:"fibo,omitempty"`
}

func (stepArgs) Kind() string { return "step" }

func main() {
	mode := flag.String("mode", "", "work or insert")
	url := flag.String("url", "", "of the database")
	slots := flag.Int("slots", 32, "how many jobs at once")
	isTransactional := flag.Bool("transactional", false, "each job completes in a transaction of its own")
	flag.Parse()
	if err := run(context.Background(), *mode, *url, *slots, *isTransactional); err != nil {
		fmt.Fprintln(os.Stderr, "river:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, mode string, url string, slots int, isTransactional bool) error {
	settings, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err
	}
	settings.MaxConns = connections
	if isTransactional {
		settings.MaxConns = transactionalConnections
	}
	pool, err := pgxpool.NewWithConfig(ctx, settings)
	if err != nil {
		return err
	}
	defer pool.Close()
	config := &river.Config{
		FetchCooldown:     fetchCooldown,
		FetchPollInterval: fetchPollInterval,
		Logger:            slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if mode == "work" {
		return work(untilInputEnds(), pool, config, slots, isTransactional)
	}
	inserter, err := river.NewClient(riverpgxv5.New(pool), config)
	if err != nil {
		return err
	}
	return insert(ctx, inserter)
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
