package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/riverqueue/river"
)

// How many are inserted in a call, as in River's own benchmark, and calls at once.
const (
	batch    = 5_000
	inFlight = 2
)

// "many N": so many no-ops. "known N": the same, and each can be asked for afterwards. "run NAME STEPS FIBO": the
// first step of a run.
func insert(ctx context.Context, inserter *client) error {
	failed := make(chan error, 1)
	lines := make(chan string)
	go func() {
		defer close(lines)
		for input := bufio.NewScanner(os.Stdin); input.Scan(); {
			lines <- input.Text()
		}
	}()
	say("ready")
	for {
		select {
		case err := <-failed:
			return err
		case line, isOpen := <-lines:
			if !isOpen {
				return nil
			}
			go func() {
				if err := follow(ctx, inserter, line); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}()
		}
	}
}

func follow(ctx context.Context, inserter *client, line string) error {
	if strings.HasPrefix(line, "run ") {
		return one(ctx, inserter, line)
	}
	var order string
	var count int
	if _, err := fmt.Sscanf(line, "%s %d", &order, &count); err != nil {
		return err
	}
	return many(ctx, inserter, count, order == "known")
}

func one(ctx context.Context, inserter *client, line string) error {
	var name string
	var steps, n int
	if _, err := fmt.Sscanf(line, "run %s %d %d", &name, &steps, &n); err != nil {
		return err
	}
	_, err := inserter.Insert(ctx, stepArgs{Run: name, More: steps - 1, Fibo: n}, nil)
	return err
}

// https://riverqueue.com/docs/batch-job-insertion: InsertManyFast is COPY, and brings nothing back.
func many(ctx context.Context, inserter *client, count int, areKnown bool) error {
	sizes := make(chan int)
	ended := make(chan error, inFlight)
	for range inFlight {
		go func() {
			var failure error
			for size := range sizes {
				if failure != nil {
					continue
				}
				if areKnown {
					_, failure = inserter.InsertMany(ctx, noops(size))
				} else {
					_, failure = inserter.InsertManyFast(ctx, noops(size))
				}
			}
			ended <- failure
		}()
	}
	for ; count > 0; count -= batch {
		sizes <- min(batch, count)
	}
	close(sizes)
	var failure error
	for range inFlight {
		if err := <-ended; err != nil {
			failure = err
		}
	}
	return failure
}

func noops(count int) []river.InsertManyParams {
	params := make([]river.InsertManyParams, count)
	for index := range params {
		params[index] = river.InsertManyParams{Args: stepArgs{}}
	}
	return params
}
