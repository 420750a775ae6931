package main

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"golang.org/x/sys/unix"
)

// Events that nobody takes in time are dropped; none may be.
const eventsKept = 100_000

// How long jobs at work may take to end.
const stopTimeout = 5 * time.Second

const countedEvery = 2 * time.Millisecond

type stepWorker struct {
	river.WorkerDefaults[stepArgs]
	pool *pgxpool.Pool
	// Else River completes jobs in batches, some time after they have returned.
	isTransactional bool
	// When the handlers of last steps began, by the job's id.
	began sync.Map
	// No-ops that nobody has been told of.
	counted atomic.Int64
}

func (w *stepWorker) Work(ctx context.Context, job *river.Job[stepArgs]) error {
	args := job.Args
	if args.Run != "" && args.More == 0 {
		w.began.Store(job.ID, nowMs())
	}
	if args.Fibo > 0 {
		fibo(args.Fibo)
	}
	if w.isTransactional {
		return w.complete(ctx, job)
	}
	if args.More > 0 {
		_, err := river.ClientFromContext[tx](ctx).Insert(ctx, next(args), nil)
		return err
	}
	return nil
}

// One transaction for its completion and the next step: https://riverqueue.com/docs/transactional-job-completion.
func (w *stepWorker) complete(ctx context.Context, job *river.Job[stepArgs]) error {
	transaction, err := w.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer transaction.Rollback(ctx)
	if job.Args.More > 0 {
		if _, err := river.ClientFromContext[tx](ctx).InsertTx(ctx, transaction, next(job.Args), nil); err != nil {
			return err
		}
	}
	if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, transaction, job); err != nil {
		return err
	}
	if err := transaction.Commit(ctx); err != nil {
		return err
	}
	w.tellOf(job.ID, job.Args)
	return nil
}

func next(args stepArgs) stepArgs {
	args.More--
	return args
}

func work(asked context.Context, pool *pgxpool.Pool, config *river.Config, slots int, isTransactional bool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: config.Logger})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(asked, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	steps := &stepWorker{pool: pool, isTransactional: isTransactional}
	config.Workers = river.NewWorkers()
	river.AddWorker(config.Workers, steps)
	config.Queues = map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: slots}}
	runner, err := river.NewClient(riverpgxv5.New(pool), config)
	if err != nil {
		return err
	}
	if !isTransactional {
		events, cancel := runner.SubscribeConfig(&river.SubscribeConfig{
			ChanSize: eventsKept,
			Kinds:    []river.EventKind{river.EventKindJobCompleted},
		})
		defer cancel()
		go steps.hear(events)
	}
	if err := runner.Start(context.Background()); err != nil {
		return err
	}
	go steps.tellCounted()
	say("ready")
	<-asked.Done()
	stopping, stop := context.WithTimeout(context.Background(), stopTimeout)
	defer stop()
	return runner.StopAndCancel(stopping)
}

// A completion of which River tells is committed.
func (w *stepWorker) hear(events <-chan *river.Event) {
	for event := range events {
		var args stepArgs
		if err := json.Unmarshal(event.Job.EncodedArgs, &args); err != nil {
			panic(err)
		}
		w.tellOf(event.Job.ID, args)
	}
}

func (w *stepWorker) tellOf(id int64, args stepArgs) {
	if args.Run == "" {
		w.counted.Add(1)
	} else if args.More == 0 {
		began, _ := w.began.LoadAndDelete(id)
		say("ended %s %v", args.Run, began)
	}
}

// Not a line for each.
func (w *stepWorker) tellCounted() {
	for range time.Tick(countedEvery) {
		if counted := w.counted.Swap(0); counted > 0 {
			say("counted %d", counted)
		}
	}
}

// In milliseconds of the machine's CLOCK_MONOTONIC.
func nowMs() float64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return float64(now.Nano()) / 1e6
}

func fibo(n int) int {
	if n < 2 {
		return n
	}
	return fibo(n-1) + fibo(n-2)
}
