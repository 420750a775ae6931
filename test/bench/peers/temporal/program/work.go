package main

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	retention = 24 * time.Hour
	// A server that has just started takes seconds to own its shards and to know the namespace.
	readyTimeout = time.Minute
	tryTimeout   = 5 * time.Second
	tryEvery     = 100 * time.Millisecond
)

// Pollers as many as the load asks for, within the defaults, as
// https://docs.temporal.io/develop/worker-performance/configuration recommends. What waits for a poll is bounded by
// the slots. Workflow tasks and cached workflows have their defaults, which are far more than are at work here.
func work(asked context.Context, options client.Options, slots int) error {
	ctx, cancel := context.WithTimeout(asked, readyTimeout)
	defer cancel()
	if err := untilDone(ctx, func(ctx context.Context) error { return register(ctx, options) }); err != nil {
		return err
	}
	connection, err := client.Dial(options)
	if err != nil {
		return err
	}
	defer connection.Close()
	bench := worker.New(connection, taskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: slots,
		WorkflowTaskPollerBehavior:         worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
		ActivityTaskPollerBehavior:         worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{}),
	})
	for _, activity := range []any{Noop, Stamp, Fibo} {
		bench.RegisterActivity(activity)
	}
	for _, workflow := range []any{Stamped, Chain, Many, Fan} {
		bench.RegisterWorkflow(workflow)
	}
	if err := untilDone(ctx, func(context.Context) error { return bench.Start() }); err != nil {
		return err
	}
	if err := untilDone(ctx, func(ctx context.Context) error { return tryOne(ctx, connection) }); err != nil {
		return err
	}
	say("ready")
	<-asked.Done()
	bench.Stop()
	return nil
}

func register(ctx context.Context, options client.Options) error {
	namespaces, err := client.NewNamespaceClient(options)
	if err != nil {
		return err
	}
	defer namespaces.Close()
	err = namespaces.Register(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        client.DefaultNamespace,
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	var exists *serviceerror.NamespaceAlreadyExists
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

func tryOne(ctx context.Context, connection client.Client) error {
	run, err := connection.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: taskQueue}, Many, 1)
	if err != nil {
		return err
	}
	return run.Get(ctx, nil)
}

// Tries until it succeeds; the last failure if it does not in time.
func untilDone(ctx context.Context, try func(context.Context) error) error {
	for {
		trying, cancel := context.WithTimeout(ctx, tryTimeout)
		err := try(trying)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(tryEvery)
	}
}
