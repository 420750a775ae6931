// Which runs may a run start that is to start some from workflows (C.7)?
//
// What a workflow says at the submission holds: it is copied into the specification, as if the client had
// sent it in `child_specs`, with the workflows that it refers to itself.

import { fromBinary, type JsonObject } from '@bufbuild/protobuf';
import { WorkflowTemplateSchema } from '@tutti/proto/tutti/v1/workflow_pb.ts';
import { MAX_CHILD_DEPTH } from '../../domain/child-runs.ts';
import { isEmpty } from '../../domain/payload.ts';
import { accept, type Refusal, type Result, reject } from '../../domain/rejection.ts';
import type { RunOrigin, RunSpec, TaskSpec, Work } from '../../domain/spec.ts';
import type { StoreQueries } from '../../runtime/orchestrator.ts';
import { workflowNotFound } from '../../runtime/workflows.ts';
import { toRunSpec } from '../../wire/spec.ts';
import type { InputSchemas } from '../input-schema.ts';
import { withLinks } from './links.ts';
import { refuseInput } from './workflow-input.ts';

export interface ChildWorkflows {
  /**
   * The specification with all that it refers to.
   * @param path of the specification in the request
   */
  resolve(namespace: string, spec: RunSpec, path: string): Promise<Result<RunSpec>>;
}

/** Of one submission: workflows may refer to workflows. */
const MAX_COPIES = 100;
const MAX_COPIED_TASKS = 100_000;

interface Copying {
  readonly namespace: string;
  copies: number;
  tasks: number;
}

export function refersToWorkflows({ tasks, childSpecs }: RunSpec): boolean {
  return (
    tasks.some(({ work }) => workflowOf(work) !== undefined) ||
    Object.values(childSpecs).some(refersToWorkflows)
  );
}

export function createChildWorkflows(
  queries: Pick<StoreQueries, 'getWorkflow' | 'getRun' | 'getTask' | 'readTaskEvents'>,
  schemas: InputSchemas,
): ChildWorkflows {
  async function resolveAt(
    copying: Copying,
    spec: RunSpec,
    path: string,
    depth: number,
  ): Promise<Result<RunSpec>> {
    if (!refersToWorkflows(spec)) return accept(spec);
    const children = new Map<string, RunSpec>();
    for (const [name, child] of Object.entries(spec.childSpecs)) {
      const resolved = await resolveAt(copying, child, `${path}.child_specs["${name}"]`, depth + 1);
      if (!resolved.ok) return resolved;
      children.set(name, resolved.value);
    }
    const tasks: TaskSpec[] = [];
    const names = new Map<string, Named>();
    for (const [index, task] of spec.tasks.entries()) {
      const workflow = workflowOf(task.work);
      if (workflow === undefined) {
        tasks.push(task);
        continue;
      }
      const at = `${path}.tasks[${index}]`;
      const asked = `${workflow.name}@${workflow.version}`;
      const found = names.get(asked) ?? (await copy(copying, workflow, at, depth + 1));
      if ('ok' in found) return found;
      children.set(nameOf(found), found.spec);
      names.set(asked, found);
      const refused = refuseTaken(spec, found, path) ?? refuseLiteral(schemas, task, found, `${at}.input`);
      if (refused !== undefined) return refused;
      tasks.push({ ...task, work: { type: 'CHILD_RUN', spec: nameOf(found), workflow: found.origin } });
    }
    return accept({ ...spec, tasks, childSpecs: Object.fromEntries(children) });
  }

  async function copy(
    copying: Copying,
    { name, version }: RunOrigin,
    at: string,
    depth: number,
  ): Promise<Named | Refusal> {
    const field = `${at}.child_run.workflow`;
    const tooMany = refuseBounds(copying, name, field, depth);
    if (tooMany !== undefined) return tooMany;
    const wanted = version === 0 ? undefined : version;
    const row = await queries.getWorkflow(copying.namespace, name, wanted);
    if (row === undefined) {
      const missing = workflowNotFound(copying.namespace, name, wanted);
      return missing.ok ? missing : { ...missing, rejection: { ...missing.rejection, field } };
    }
    const { spec: message, inputSchema } = fromBinary(WorkflowTemplateSchema, row.template);
    if (message === undefined) throw new Error(`stored workflow ${name}@${row.version} has no specification`);
    const linked = await withLinks(queries, copying.namespace, message, field);
    if (!linked.ok) return linked;
    const spec = toRunSpec(linked.value);
    if (!spec.ok) return { ok: false, rejection: { ...spec.rejection, field } };
    copying.copies += 1;
    copying.tasks += spec.value.tasks.length;
    const resolved = await resolveAt(copying, spec.value, field, depth);
    if (!resolved.ok) return resolved;
    const schemaText = inputSchema === undefined ? '' : JSON.stringify(inputSchema);
    const origin = { name, version: row.version };
    return { origin, schema: inputSchema, spec: { ...resolved.value, inputSchema: schemaText } };
  }

  return {
    resolve: (namespace, spec, path) => resolveAt({ namespace, copies: 0, tasks: 0 }, spec, path, 0),
  };
}

interface Named {
  readonly origin: RunOrigin;
  readonly schema: JsonObject | undefined;
  readonly spec: RunSpec;
}

function workflowOf(work: Work): RunOrigin | undefined {
  return work.type === 'CHILD_RUN' && work.spec === '' ? work.workflow : undefined;
}

function nameOf({ origin }: Named): string {
  return `${origin.name}@${origin.version}`;
}

/** An entry of the client's own by that name would be another run than the one that is asked for. */
function refuseTaken(spec: RunSpec, found: Named, path: string): Refusal | undefined {
  const name = nameOf(found);
  if (!Object.hasOwn(spec.childSpecs, name)) return undefined;
  const message = `child_specs has an entry "${name}", which is how a workflow is named; name it otherwise`;
  return reject('INVALID_FIELD', message, { name }, `${path}.child_specs["${name}"]`);
}

function refuseBounds({ copies, tasks }: Copying, name: string, field: string, depth: number) {
  if (depth > MAX_CHILD_DEPTH) {
    const message = `runs may start runs ${MAX_CHILD_DEPTH} deep, and a run of the workflow "${name}" is one more; does it refer to itself?`;
    return reject('INVALID_FIELD', message, { depth: `${depth}` }, field);
  }
  if (copies < MAX_COPIES && tasks <= MAX_COPIED_TASKS) return undefined;
  const message = `the run refers to more than ${MAX_COPIES} workflows or ${MAX_COPIED_TASKS} tasks of workflows, through "${name}"; refer to fewer`;
  return reject('INVALID_FIELD', message, { workflow: name }, field);
}

/** What is known of the input already is checked now; what will be computed, when the run is started. */
function refuseLiteral(
  schemas: InputSchemas,
  { input, inputExpression, flow }: TaskSpec,
  { schema, spec }: Named,
  field: string,
): Refusal | undefined {
  if (inputExpression !== '' || flow.foreach !== undefined || flow.repeat !== undefined) return undefined;
  return refuseInput(schemas, schema, isEmpty(input) ? spec.input : input, field);
}
