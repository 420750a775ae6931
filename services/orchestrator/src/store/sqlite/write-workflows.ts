// How a change of workflows becomes rows: one transaction, checked against the versions that were given.

import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../port.ts';
import type { Unpacker } from './packing.ts';
import { inTransaction, prepareRequest, writeRequests } from './write-commit.ts';

/** Reads a packed change and writes it, or throws and leaves everything as it was. */
export function createWorkflowWriter(database: DatabaseSync): (input: Unpacker) => void {
  const statements = prepareStatements(database);

  function namespaceOf(name: string): number {
    const known = statements.namespace.get(name)?.['id'];
    return Number(known ?? statements.addNamespace.run(name).lastInsertRowid);
  }

  function add(input: Unpacker, namespace: number): void {
    const name = input.string();
    const version = input.number();
    const known = statements.workflow.get(namespace, name);
    const before = Number(known?.['last_version'] ?? 0);
    if (version <= before) {
      throw new StoreError('OUT_OF_ORDER', `workflow ${name}: version ${version} cannot follow ${before}`);
    }
    const id = Number(known?.['id'] ?? statements.addWorkflow.run(namespace, name).lastInsertRowid);
    statements.advance.run(id, version);
    statements.addVersion.run(id, version, input.string(), input.number(), input.string());
    const template = Number(statements.addTemplate.run(id, version, input.bytes()).lastInsertRowid);
    for (let left = input.number(); left > 0; left -= 1) {
      statements.addReference.run(-template, namespace, input.string());
    }
  }

  function remove(input: Unpacker, namespace: number): void {
    const id = statements.workflow.get(namespace, input.string())?.['id'];
    const version = input.optionalNumber() ?? null;
    if (id === undefined) return;
    const workflow = Number(id);
    statements.removeVersions.run(workflow, version);
    statements.removeReferences.run(workflow, version);
    statements.removeTemplates.run(workflow, version);
    statements.removeEmpty.run(workflow);
  }

  return (input) =>
    inTransaction(database, () => {
      const namespace = namespaceOf(input.string());
      if (input.number() === 1) add(input, namespace);
      if (input.number() === 1) remove(input, namespace);
      writeRequests(statements.request, input, namespace);
    });
}

function prepareStatements(database: DatabaseSync) {
  const ofVersion = 'workflow = ?1 AND version = coalesce(?2, version)';
  return {
    namespace: database.prepare('SELECT id FROM namespaces WHERE name = ?'),
    addNamespace: database.prepare('INSERT INTO namespaces (name, epoch, latest_revision) VALUES (?, 0, 0)'),
    workflow: database.prepare('SELECT id, last_version FROM workflows WHERE namespace = ? AND name = ?'),
    addWorkflow: database.prepare('INSERT INTO workflows (namespace, name, last_version) VALUES (?, ?, 0)'),
    advance: database.prepare('UPDATE workflows SET last_version = ?2 WHERE id = ?1'),
    addVersion: database.prepare(
      `INSERT INTO workflow_versions (workflow, version, description, created_at_ms, digest)
       VALUES (?, ?, ?, ?, ?)`,
    ),
    addTemplate: database.prepare(
      'INSERT INTO workflow_templates (workflow, version, template) VALUES (?, ?, ?)',
    ),
    removeVersions: database.prepare(`DELETE FROM workflow_versions WHERE ${ofVersion}`),
    removeTemplates: database.prepare(`DELETE FROM workflow_templates WHERE ${ofVersion}`),
    addReference: database.prepare(
      `INSERT OR IGNORE INTO payload_references (holder, payload)
       SELECT ?1, id FROM payloads WHERE namespace = ?2 AND sha256 = ?3 AND complete = 1`,
    ),
    removeReferences: database.prepare(
      `DELETE FROM payload_references
       WHERE holder IN (SELECT -id FROM workflow_templates WHERE ${ofVersion})`,
    ),
    removeEmpty: database.prepare(
      'DELETE FROM workflows WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM workflow_versions WHERE workflow = ?1)',
    ),
    request: prepareRequest(database),
  };
}
