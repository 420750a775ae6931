// What does the SDK offer? Its two halves can also be imported apart: a process that only executes
// needs no gRPC, one that only submits no NATS.

export * from './client/index.ts';
export * from './executor/index.ts';
