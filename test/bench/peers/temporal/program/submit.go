package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"go.temporal.io/sdk/client"
)

// "run NAME WORKFLOW NUMBER…" starts a workflow with these arguments. Its end is told with what it returned: when
// its activity began, or 0.
func submit(options client.Options) error {
	connection, err := client.Dial(options)
	if err != nil {
		return err
	}
	defer connection.Close()
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
				if err := one(connection, line); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}()
		}
	}
}

func one(connection client.Client, line string) error {
	words := strings.Fields(line)
	if len(words) < 3 || words[0] != "run" {
		return fmt.Errorf("no such order: %q", line)
	}
	name, workflow := words[1], words[2]
	numbers := []any{}
	for _, word := range words[3:] {
		number, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		numbers = append(numbers, number)
	}
	ctx := context.Background()
	run, err := connection.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: taskQueue}, workflow, numbers...)
	if err != nil {
		return err
	}
	var startedAtMs float64
	if err := run.Get(ctx, &startedAtMs); err != nil {
		return err
	}
	say("ended %s %v", name, startedAtMs)
	return nil
}
