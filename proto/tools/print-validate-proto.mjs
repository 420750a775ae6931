// Writes buf/validate/validate.proto as source text, from the descriptor inside the npm package
// @bufbuild/protovalidate. Buf needs the text to compile our files and would fetch it from its own
// registry, which an offline or firewalled machine cannot reach; so the pinned npm package is the
// one source of the rules for compiling and for running. Options of the file (documentation, CEL
// bodies of the standard rules) are not needed for compiling and are left out.
//
// usage: node proto/tools/print-validate-proto.mjs OUTPUT_FOLDER

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type } from '@bufbuild/protobuf/wkt';
import { file_buf_validate_validate } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

const file = file_buf_validate_validate.proto;
const lines = [];
const print = (depth, text) => lines.push('  '.repeat(depth) + text);

function typeOf(field) {
  if (field.typeName) return field.typeName;
  return FieldDescriptorProto_Type[field.type].toLowerCase();
}

function labelOf(field, inOneof) {
  if (field.label === FieldDescriptorProto_Label.REPEATED) return 'repeated ';
  return inOneof ? '' : 'optional ';
}

function printField(depth, field, inOneof) {
  print(depth, `${labelOf(field, inOneof)}${typeOf(field)} ${field.name} = ${field.number};`);
}

function printExtensionRanges(depth, message) {
  for (const range of message.extensionRange) {
    const last = range.end > 536870911 ? 'max' : range.end - 1;
    print(depth, `extensions ${range.start} to ${last};`);
  }
}

function printMessage(depth, message) {
  print(depth, `message ${message.name} {`);
  for (const nested of message.nestedType) printMessage(depth + 1, nested);
  for (const nested of message.enumType) printEnum(depth + 1, nested);
  message.oneofDecl.forEach((oneof, index) => {
    const members = message.field.filter((f) => isMember(f, index));
    if (members.length === 0) return;
    print(depth + 1, `oneof ${oneof.name} {`);
    for (const field of members) printField(depth + 2, field, true);
    print(depth + 1, '}');
  });
  for (const field of message.field) {
    if (!message.oneofDecl.some((_, index) => isMember(field, index))) printField(depth + 1, field, false);
  }
  printExtensionRanges(depth + 1, message);
  print(depth, '}');
}

function isMember(field, oneofIndex) {
  return Object.hasOwn(field, 'oneofIndex') && field.oneofIndex === oneofIndex && !field.proto3Optional;
}

function printEnum(depth, descriptor) {
  print(depth, `enum ${descriptor.name} {`);
  for (const value of descriptor.value) print(depth + 1, `${value.name} = ${value.number};`);
  print(depth, '}');
}

function printExtensions() {
  for (const extension of file.extension) {
    print(0, `extend ${extension.extendee} {`);
    printField(1, extension, false);
    print(0, '}');
  }
}

print(0, `syntax = "${file.syntax || 'proto2'}";`);
print(0, `package ${file.package};`);
for (const dependency of file.dependency) print(0, `import "${dependency}";`);
for (const message of file.messageType) printMessage(0, message);
for (const descriptor of file.enumType) printEnum(0, descriptor);
printExtensions();

const target = join(process.argv[2], file.name);
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${lines.join('\n')}\n`);
console.log(`wrote ${target}`);
