// What is wrong with a message: is every rule of the contract put into words?

import { type DescField, type DescMessage, getOption, hasOption } from '@bufbuild/protobuf';
import { field as fieldRules } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { file_tutti_v1_executor_protocol } from '@tutti/proto/tutti/v1/executor_protocol_pb.ts';
import { ExecutorService } from '@tutti/proto/tutti/v1/executor_service_pb.ts';
import { OrchestratorService } from '@tutti/proto/tutti/v1/orchestrator_service_pb.ts';
import { PayloadService } from '@tutti/proto/tutti/v1/payload_service_pb.ts';
import { RunLifeService } from '@tutti/proto/tutti/v1/run_life_service_pb.ts';
import { WorkflowService } from '@tutti/proto/tutti/v1/workflow_service_pb.ts';
import { describe, expect, test } from 'vitest';
import { PATTERN_RULES } from './violations.ts';

const SERVICES = [OrchestratorService, ExecutorService, PayloadService, RunLifeService, WorkflowService];

describe('the rules of the contract', () => {
  test('are each put into words', () => {
    const patterns = new Set<string>();
    const seen = new Set<string>();
    const visit = (message: DescMessage): void => {
      if (seen.has(message.typeName)) return;
      seen.add(message.typeName);
      for (const one of message.fields) {
        for (const pattern of patternsOf(one)) patterns.add(pattern);
        if (one.message !== undefined) visit(one.message);
      }
    };
    for (const service of SERVICES) for (const { input } of service.methods) visit(input);
    for (const message of file_tutti_v1_executor_protocol.messages) visit(message);
    expect([...patterns].sort()).toEqual(Object.keys(PATTERN_RULES).sort());
  });
});

function patternsOf(desc: DescField): string[] {
  if (!hasOption(desc, fieldRules)) return [];
  const { type } = getOption(desc, fieldRules);
  const rules =
    type.case === 'map'
      ? [type.value.keys?.type, type.value.values?.type]
      : [type.case === 'repeated' ? type.value.items?.type : type];
  return rules.flatMap((rule) =>
    rule?.case === 'string' && rule.value.pattern !== '' ? [rule.value.pattern] : [],
  );
}
