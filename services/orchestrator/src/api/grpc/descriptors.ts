// Which file declares what? The index that reflection answers from.

import type { DescExtension, DescFile, DescMessage, DescService } from '@bufbuild/protobuf';
import { toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

export interface DescriptorIndex {
  readonly services: readonly string[];
  /** The file and all that it imports, the file first, in binary form. */
  byFilename(name: string): readonly Uint8Array[] | undefined;
  bySymbol(name: string): readonly Uint8Array[] | undefined;
  byExtension(typeName: string, fieldNumber: number): readonly Uint8Array[] | undefined;
  /** Undefined for a type that is not known. */
  extensionNumbers(typeName: string): readonly number[] | undefined;
}

export function createDescriptorIndex(services: readonly DescService[]): DescriptorIndex {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const messages = new Set<string>();
  const extensions = new Map<string, Map<number, DescFile>>();
  for (const file of closure(services.map((service) => service.file))) {
    files.set(fileName(file), file);
    indexFile(file);
  }

  function indexFile(file: DescFile): void {
    for (const message of file.messages) indexMessage(message, file);
    for (const { typeName } of file.enums) symbols.set(typeName, file);
    for (const extension of file.extensions) indexExtension(extension, file);
    for (const service of file.services) {
      symbols.set(service.typeName, file);
      for (const method of service.methods) symbols.set(`${service.typeName}.${method.name}`, file);
    }
  }

  function indexMessage(message: DescMessage, file: DescFile): void {
    symbols.set(message.typeName, file);
    messages.add(message.typeName);
    for (const nested of message.nestedMessages) indexMessage(nested, file);
    for (const { typeName } of message.nestedEnums) symbols.set(typeName, file);
    for (const extension of message.nestedExtensions) indexExtension(extension, file);
  }

  function indexExtension(extension: DescExtension, file: DescFile): void {
    symbols.set(extension.typeName, file);
    const { typeName } = extension.extendee;
    const numbers = extensions.get(typeName) ?? new Map<number, DescFile>();
    extensions.set(typeName, numbers.set(extension.number, file));
  }

  return {
    services: services.map((service) => service.typeName).sort(),
    byFilename: (name) => encodeWithImports(files.get(name)),
    bySymbol: (name) => encodeWithImports(symbols.get(name)),
    byExtension: (typeName, fieldNumber) => encodeWithImports(extensions.get(typeName)?.get(fieldNumber)),
    extensionNumbers(typeName) {
      if (!messages.has(typeName)) return undefined;
      return [...(extensions.get(typeName)?.keys() ?? [])].sort((a, b) => a - b);
    },
  };
}

function encodeWithImports(file: DescFile | undefined): readonly Uint8Array[] | undefined {
  if (file === undefined) return undefined;
  return closure([file]).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
}

/** The files and all that they import, each once. */
function closure(roots: readonly DescFile[]): readonly DescFile[] {
  const found = new Map<string, DescFile>();
  const visit = (file: DescFile): void => {
    if (found.has(fileName(file))) return;
    found.set(fileName(file), file);
    for (const dependency of file.dependencies) visit(dependency);
  };
  for (const root of roots) visit(root);
  return [...found.values()];
}

function fileName(file: DescFile): string {
  return file.proto.name;
}
