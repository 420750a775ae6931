// The domain's guardrails by JSON Schema, checked as the inputs of workflows are.

import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { SchemaChecker } from '../domain/schema.ts';
import type { InputSchemas } from './input-schema.ts';

export function createSchemaChecker(schemas: InputSchemas): SchemaChecker {
  return {
    problemOf: (schema) => schemas.problemOf(JSON.parse(schema) as JsonObject, 'schema')?.description,
    violationOf(name, schema, value) {
      const [first] = schemas.violationsOf(JSON.parse(schema) as JsonObject, value as JsonValue, name);
      return first?.description;
    },
  };
}
