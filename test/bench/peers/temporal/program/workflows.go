package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/workflow"
	"golang.org/x/sys/unix"
)

// An execution has one write after the other, and may have at most 2,000 activities at once
// (https://docs.temporal.io/self-hosted-guide/defaults): where there are more than these, child workflows have them.
const activitiesOfAnExecution = 100

func Noop(context.Context) error { return nil }

// Stamp tells when it began, in milliseconds of the machine's CLOCK_MONOTONIC.
func Stamp(context.Context) (float64, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0, err
	}
	return float64(now.Nano()) / 1e6, nil
}

func Fibo(_ context.Context, n int) (int, error) { return fibo(n), nil }

func fibo(n int) int {
	if n < 2 {
		return n
	}
	return fibo(n-1) + fibo(n-2)
}

func Stamped(ctx workflow.Context) (startedAtMs float64, err error) {
	err = workflow.ExecuteActivity(withOptions(ctx), Stamp).Get(ctx, &startedAtMs)
	return startedAtMs, err
}

// Chain computes fibo(n) in each step; with n < 0 a step does nothing.
func Chain(ctx workflow.Context, steps int, n int) error {
	ctx = withOptions(ctx)
	for step := 0; step < steps; step++ {
		var err error
		if n < 0 {
			err = workflow.ExecuteActivity(ctx, Noop).Get(ctx, nil)
		} else {
			err = workflow.ExecuteActivity(ctx, Fibo, n).Get(ctx, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Many does so many no-ops, as many at once as the worker has slots.
func Many(ctx workflow.Context, width int) error {
	if width > activitiesOfAnExecution {
		return inChildren(ctx, width)
	}
	ctx = withOptions(ctx)
	futures := make([]workflow.Future, width)
	for index := range futures {
		futures[index] = workflow.ExecuteActivity(ctx, Noop)
	}
	return all(ctx, futures)
}

func Fan(ctx workflow.Context, width int) error {
	for _, each := range []int{1, width, 1} {
		if err := Many(ctx, each); err != nil {
			return err
		}
	}
	return nil
}

func inChildren(ctx workflow.Context, width int) error {
	futures := []workflow.Future{}
	for done := 0; done < width; done += activitiesOfAnExecution {
		size := min(activitiesOfAnExecution, width-done)
		futures = append(futures, workflow.ExecuteChildWorkflow(ctx, Many, size))
	}
	return all(ctx, futures)
}

func all(ctx workflow.Context, futures []workflow.Future) error {
	for _, future := range futures {
		if err := future.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func withOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
}
